/**
 * SIGINT and SIGTERM: the first one asks the run to stop at the next safe place, where it saves; the second exits at once.
 */
import type { Terminal } from './terminal.js';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface Interruption {
  readonly signal: AbortSignal;
  /** Exit code of the signal that came, if one did. */
  exitCode(): number | undefined;
  /** Restores the process's own handling. */
  release(): void;
}

/** Starts listening. `message` is shown when the first signal comes. */
export function listenForSignals({ err }: Terminal, message: string): Interruption {
  const controller = new AbortController();
  let code: number | undefined;
  const handle = (name: NodeJS.Signals) => {
    const exitCode = EXIT_CODES[name as keyof typeof EXIT_CODES];
    if (code !== undefined) process.exit(exitCode);
    code = exitCode;
    err(`\n${name}: ${message}\n`);
    controller.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of Object.keys(EXIT_CODES)) process.on(name, handle);
  return {
    signal: controller.signal,
    exitCode: () => code,
    release() {
      for (const name of Object.keys(EXIT_CODES)) process.off(name, handle);
    },
  };
}
