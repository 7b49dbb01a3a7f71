/** A terminal that keeps what is written to it. */
import { main } from '../cli/main.js';

export interface Run {
  code: number;
  out: string;
  err: string;
}

export interface RunOptions {
  stdin?: string | Uint8Array;
  env?: Record<string, string>;
  isTerminal?: boolean;
}

/** Runs a command line in this process. */
export async function runCli(
  words: readonly string[],
  { stdin = '', env = {}, isTerminal = false }: RunOptions = {},
): Promise<Run> {
  let out = '';
  let err = '';
  async function* bytes() {
    const all = typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin;
    // In odd pieces: characters and line ends may be cut.
    for (let i = 0; i < all.length; i += 7) yield all.subarray(i, i + 7);
  }
  const terminal = {
    out(text: string) {
      out += text;
    },
    err(text: string) {
      err += text;
    },
    stdin: bytes(),
    env,
    isTerminal,
  };
  return { code: await main(words, terminal), out, err };
}
