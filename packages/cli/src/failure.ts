/** Errors as the user sees them, and the exit code each stands for. */
import { placedMessage, UserError } from '@t2r/core';
import type { Terminal } from './terminal.js';

/** 0: done. 1: our mistake, or the run failed (an expectation was missed). 2: the user's mistake. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** Writes an error to stderr and gives the exit code. Stack traces only with `debug`. */
export function reportFailure(error: unknown, { err, colors }: Terminal, debug: boolean): number {
  const label = colors.red('error:');
  if (error instanceof UserError) {
    err(`${label} ${placedMessage(error)}\n`);
    if (error.hint !== undefined) err(`  ${error.hint}\n`);
  } else {
    err(`${label} ${error instanceof Error ? error.message : String(error)}\n`);
    if (!debug) err('  This is a bug in t2r. Please report it with what --debug prints.\n');
  }
  if (debug) err(`${describeStack(error)}\n`);
  return error instanceof UserError ? EXIT.usage : EXIT.failed;
}

/** The stack of an error and of everything that caused it. */
function describeStack(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describeStack(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
