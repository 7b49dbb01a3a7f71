/** Tokenizers of BLEU: what they are, and what they are called. */
import { splitWords } from '../text/whitespace.js';

/** Splits lines into the words that BLEU counts. Plug in one of your own by passing it as `tokenize`. */
export interface Tokenizer {
  /** Its name in signatures. No `|` or `:`. */
  readonly signature: string;
  /** Tokens of a line; or the tokenized line, with whitespace between tokens. */
  tokenize(line: string): string | readonly string[];
}

/** Tokenizers that are built in. */
export const BUILT_IN_TOKENIZERS = ['none', 'zh', '13a', 'intl', 'char'] as const;

/** Tokenizers that the original loads from elsewhere, and that must be plugged in here. */
export const PLUGGABLE_TOKENIZERS = ['ja-mecab', 'ko-mecab', 'spm', 'flores101', 'flores200', 'spBLEU-1K'] as const;

export type BuiltInTokenizer = (typeof BUILT_IN_TOKENIZERS)[number];
export type PluggableTokenizer = (typeof PLUGGABLE_TOKENIZERS)[number];
export type TokenizerName = BuiltInTokenizer | PluggableTokenizer;

/** Tokens of a line. As in the original, whitespace within a token splits it. */
export function tokensOf(tokenizer: Tokenizer, line: string): string[] {
  const result = tokenizer.tokenize(line);
  if (typeof result === 'string') return splitWords(result);
  return 'trusted' in tokenizer ? (result as string[]) : splitWords(result.join(' '));
}

/** A tokenizer whose tokens have no whitespace in them, so that they need not be looked through. */
export interface TrustedTokenizer extends Tokenizer {
  readonly trusted: true;
  tokenize(line: string): string[];
}
