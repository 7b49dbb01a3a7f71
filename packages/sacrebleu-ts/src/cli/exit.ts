/** Ways out of the program. */

/** 0 done; 1 the input is wrong; 2 the command line is; 17 fields separated by tabs do not come out even. */
export const EXIT = { ok: 0, error: 1, usage: 2, fields: 17 } as const;

/** Ends the program with an exit code after its lines have been logged. */
export class Exit extends Error {
  constructor(
    readonly code: number,
    readonly lines: readonly string[] = [],
  ) {
    super(lines.join('\n'));
  }
}

/** A mistake on the command line. */
export class UsageError extends Error {}

/** An exit with code 1 and what is wrong. */
export const failure = (...lines: string[]) => new Exit(EXIT.error, lines);
