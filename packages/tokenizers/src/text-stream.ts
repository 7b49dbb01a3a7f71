/** Decodes ids one by one as they are generated. */
import type { Tokenizer } from './types.js';

/**
 * Turns a stream of ids into a stream of text: the pieces that `push` returns, and at last `end`, joined, are
 * `tokenizer.decode` of all ids. A character whose bytes are not complete yet is held back.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Where ids do not map to bytes: the last ids whose text is out, then those whose text is held back. */
  #context: number[] = [];
  #held: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Text that is certain after one more id; may be empty. */
  push(id: number): string {
    if (this.#tokenizer.bytes !== undefined) {
      return this.#utf8.decode(this.#tokenizer.bytes(id), { stream: true });
    }
    this.#held.push(id);
    return this.#decodeHeld(false);
  }

  /** What is still held back: an incomplete character becomes U+FFFD. */
  end(): string {
    return this.#tokenizer.bytes !== undefined ? this.#utf8.decode() : this.#decodeHeld(true);
  }

  #decodeHeld(final: boolean): string {
    const before = this.#tokenizer.decode(this.#context);
    const after = this.#tokenizer.decode([...this.#context, ...this.#held]);
    if (!final && after.endsWith('\uFFFD')) return '';
    if (this.#held.length > 0) this.#context = this.#held;
    this.#held = [];
    return after.slice(before.length);
  }
}
