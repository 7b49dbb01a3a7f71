/** Where a command reads from and writes to; tests have one of their own. */

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  stdin: AsyncIterable<Uint8Array>;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether standard output is a terminal, which gets colours. */
  isTerminal: boolean;
}

/** The process' own. */
export function processTerminal(): Terminal {
  // A reader that has seen enough, such as head, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: process.stdin,
    env: process.env,
    isTerminal: process.stdout.isTTY === true,
  };
}

/** Colours as the original uses them. */
const COLORS = { red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Paint = (text: string, color: keyof typeof COLORS) => string;

export const createPaint =
  (enabled: boolean): Paint =>
  (text, color) =>
    enabled ? `\x1b[${COLORS[color]}m${text}\x1b[0m` : text;

/** Notes and problems on standard error, as the original words them: quiet leaves notes out, and the name before the rest. */
export interface Log {
  info(message: string): void;
  problem(message: string): void;
}

export function createLog(terminal: Terminal, quiet: boolean): Log {
  const write = (message: string) => terminal.err(`${quiet ? '' : 'sacreBLEU: '}${message}\n`);
  return {
    info(message) {
      if (!quiet) write(message);
    },
    problem: write,
  };
}
