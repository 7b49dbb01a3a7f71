/** `zh`: Chinese characters are tokens of their own, the rest is split at punctuation. */
import { trim } from '../text/whitespace.js';
import { splitPunctuation } from './punctuation.js';
import type { TrustedTokenizer } from './tokenizer.js';

/**
 * Code units that count as Chinese, as pairs of first and last. The original means to have the supplementary ideographs
 * U+20000 to U+2A6D6 and U+2F800 to U+2FA1D too, but writes them with four digits and a fifth beside; what it
 * compares with are U+2001 to U+2A6D and U+2F81 to U+2FA1, which is kept here.
 */
const RANGES: readonly (readonly [first: number, last: number])[] = [
  [0x2001, 0x2a6d],
  [0x2e80, 0x2eff],
  [0x2f00, 0x2fdf],
  [0x2ff0, 0x2fff],
  [0x3000, 0x303f],
  [0x3100, 0x312f],
  [0x31a0, 0x31bf],
  [0x31c0, 0x31ef],
  [0x3200, 0x33ff],
  [0x3400, 0x4db5],
  [0x4e00, 0x9fbb],
  [0xf900, 0xfa2d],
  [0xfa30, 0xfa6a],
  [0xfa70, 0xfad9],
  [0xfe10, 0xfe1f],
  [0xfe30, 0xfe4f],
  [0xff00, 0xffef],
];

const isChinese = (unit: number) => unit > 0x2000 && RANGES.some(([first, last]) => unit >= first && unit <= last);

export const tokenizerZh: TrustedTokenizer = {
  signature: 'zh',
  trusted: true,
  tokenize: (line) => splitPunctuation(trim(line), { spaced: false, isolated: isChinese }),
};
