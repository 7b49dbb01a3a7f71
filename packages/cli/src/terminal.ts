/** The streams and colours a command writes with, so that tests can read along. */
import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** What a command may touch of the process. */
export interface Terminal {
  /** Results: tables, JSON, generated text. */
  out(text: string): void;
  /** Progress, statistics, errors. */
  err(text: string): void;
  /** True where stderr is a terminal that can overwrite a line. */
  live: boolean;
  columns?: number;
  colors: Colors;
  /** All of standard input; undefined when it is a terminal. */
  stdin(): Promise<string | undefined>;
  /** Standard input as it comes; undefined when it is a terminal. */
  stdinBytes(): AsyncIterable<Uint8Array> | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

/** The terminal of this process. Colours follow NO_COLOR, FORCE_COLOR and whether stderr is a terminal. */
export function processTerminal(): Terminal {
  // `t2r list | head`: a reader that has seen enough closes the pipe, and that ends the program without complaint.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  // Nobody reads the progress any more; the run itself goes on.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    live: process.stderr.isTTY === true && process.env.TERM !== 'dumb',
    columns: process.stderr.columns,
    colors: picocolors.createColors(picocolors.isColorSupported && process.stderr.isTTY === true),
    async stdin() {
      if (process.stdin.isTTY) return undefined;
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    },
    stdinBytes: () => (process.stdin.isTTY ? undefined : process.stdin),
    env: process.env,
  };
}
