/** A mistake in what was passed in: options, references, files. `hint` says what to do about it. */
export class SacrebleuError extends Error {
  readonly hint?: string;

  constructor(message: string, hint?: string) {
    super(hint === undefined ? message : `${message} ${hint}`);
    this.name = 'SacrebleuError';
    this.hint = hint;
  }
}
