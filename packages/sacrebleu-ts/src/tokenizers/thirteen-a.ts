/** `13a`: the tokenization of mteval-v13a, with which the scores of WMT are computed. */
import { splitPunctuation } from './punctuation.js';
import type { TrustedTokenizer } from './tokenizer.js';

/** Joins hyphenated line ends and lines, and turns four XML entities back into characters. */
function unescapeEntities(line: string): string {
  let text = line;
  if (text.includes('<skipped>')) text = text.replaceAll('<skipped>', '');
  if (text.includes('\n')) text = text.replaceAll('-\n', '').replaceAll('\n', ' ');
  if (!text.includes('&')) return text;
  return text.replaceAll('&quot;', '"').replaceAll('&amp;', '&').replaceAll('&lt;', '<').replaceAll('&gt;', '>');
}

export const tokenizer13a: TrustedTokenizer = {
  signature: '13a',
  trusted: true,
  tokenize: (line) => splitPunctuation(unescapeEntities(line), { spaced: true }),
};
