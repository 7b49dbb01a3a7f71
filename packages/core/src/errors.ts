/**
 * Errors a user can act on: what happened, where, what was expected, what to do.
 * `UserError` is the user's to mend (exit code 2); anything else that escapes is ours (exit code 1).
 */

/** A place in a file; line and column count from 1. */
export interface SourceLocation {
  file: string;
  line?: number;
  column?: number;
}

export interface UserErrorOptions {
  /** Where in a file the mistake stands. */
  location?: SourceLocation;
  /** What the user can do about it, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** A mistake in the user's input: a recipe, a path, a file. Shown without a stack trace. */
export class UserError extends Error {
  readonly location?: SourceLocation;
  readonly hint?: string;

  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.location = options.location;
    this.hint = options.hint;
  }
}

/** `file:line:column`, as far as it is known. */
export function formatLocation({ file, line, column }: SourceLocation): string {
  return [file, line, line === undefined ? undefined : column].filter((part) => part !== undefined).join(':');
}

/** An error's message with the place in front, where the message does not name the file itself. */
export function placedMessage({ message, location }: UserError): string {
  if (location === undefined || message.includes(location.file)) return message;
  return `${formatLocation(location)}: ${message}`;
}
