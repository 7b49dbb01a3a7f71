/** Tokens that are recognised in the text as they stand, before it is split into words, e.g. `<|endoftext|>`. */
import type { AddedToken } from './tokenizer-json.js';

export class AddedTokens {
  /** True when a token holds white space, so that cutting text at white space could cut through it. */
  readonly haveSpaces: boolean;
  readonly #ids: ReadonlyMap<string, number>;
  readonly #pattern?: RegExp;

  constructor(tokens: readonly AddedToken[]) {
    this.#ids = new Map(tokens.map(({ content, id }) => [content, id]));
    const contents = [...this.#ids.keys()].filter((content) => content !== '');
    this.haveSpaces = contents.some((content) => /\p{White_Space}/u.test(content));
    if (contents.length === 0) return;
    // The longest token wins where several begin at the same place.
    const alternatives = contents.sort((a, b) => b.length - a.length).map((content) => content.replace(SYNTAX, '\\$&'));
    this.#pattern = new RegExp(alternatives.join('|'), 'gu');
  }

  /** Walks through `text` in order: `onText` gets the stretches between tokens, `onToken` the tokens' ids. */
  split(text: string, onText: (stretch: string) => void, onToken: (id: number) => void): void {
    let done = 0;
    if (this.#pattern !== undefined) {
      for (const match of text.matchAll(this.#pattern)) {
        if (match.index > done) onText(text.slice(done, match.index));
        onToken(this.#ids.get(match[0])!);
        done = match.index + match[0].length;
      }
    }
    if (done < text.length) onText(text.slice(done));
  }
}

/** Characters with a meaning of their own in a regular expression. */
const SYNTAX = /[\\^$.*+?()[\]{}|/]/g;
