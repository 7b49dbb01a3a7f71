/** `none` and `char`. */
import { isWhitespace, splitWords } from '../text/whitespace.js';
import type { TrustedTokenizer } from './tokenizer.js';

/** Only at whitespace, for text that is tokenized already. */
export const tokenizerNone: TrustedTokenizer = { signature: 'none', trusted: true, tokenize: splitWords };

/** Every character (code point). */
export const tokenizerChar: TrustedTokenizer = {
  signature: 'char',
  trusted: true,
  tokenize: (line) => [...line].filter((character) => !isWhitespace(character.charCodeAt(0))),
};
