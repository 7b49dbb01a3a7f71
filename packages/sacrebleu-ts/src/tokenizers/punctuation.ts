/**
 * What the tokenizers `13a` and `zh` share: ASCII punctuation becomes a token of its own; a full stop or comma does
 * unless it stands between digits, a hyphen only after a digit.
 *
 * The original replaces four regular expressions after another. One pass gives the same tokens when it keeps the two
 * particulars of that: of several full stops or commas in a row, those that are matched take their neighbour with
 * them, and where the line begins or ends matters only if no space has been put there.
 */
import { isWhitespace } from '../text/whitespace.js';

const APOSTROPHE = 0x27;
const COMMA = 0x2c;
const HYPHEN = 0x2d;
const FULL_STOP = 0x2e;

const isDigit = (unit: number) => unit >= 0x30 && unit <= 0x39;
const isPoint = (unit: number) => unit === COMMA || unit === FULL_STOP;

/** 1 for `{` to `~`, `[` to the backtick, `!` to `&`, `(` to `+`, `:` to `@`, `/`. */
const PUNCTUATION = Uint8Array.from({ length: 128 }, (_, unit) => {
  const inRange = (first: string, last: string) => unit >= first.charCodeAt(0) && unit <= last.charCodeAt(0);
  const ranges = [inRange('!', '/'), inRange(':', '@'), inRange('[', '`'), inRange('{', '~')];
  return ranges.includes(true) && unit !== APOSTROPHE && unit !== HYPHEN && !isPoint(unit) ? 1 : 0;
});

export interface PunctuationOptions {
  /** Whether the line counts as having a space before and after it. */
  spaced: boolean;
  /** More characters that are tokens of their own. */
  isolated?: (unit: number) => boolean;
}

/** Tokens of a line. */
export function splitPunctuation(line: string, { spaced, isolated }: PunctuationOptions): string[] {
  const tokens: string[] = [];
  let start = -1; // of the token at hand
  let i = 0;
  const close = () => {
    if (start >= 0) tokens.push(line.slice(start, i));
    start = -1;
  };
  const single = () => {
    close();
    tokens.push(line[i]!);
    i++;
  };
  /** A run of full stops and commas. */
  const points = () => {
    let end = i + 1;
    while (end < line.length && isPoint(line.charCodeAt(end))) end++;
    const afterDigit = i === 0 ? !spaced : isDigit(line.charCodeAt(i - 1));
    const beforeDigit = end === line.length ? !spaced : isDigit(line.charCodeAt(end));
    // "Not a digit, then a point" is matched from left to right without overlap: first the character before the run
    // with its first point, or after a digit the first two points; then pairs of points; one may be left over.
    const leftOver = (end - i) % 2 === (afterDigit ? 1 : 0);
    while (i < end - 1) single();
    if (!(leftOver && beforeDigit)) single();
    else {
      // It stays with the digit behind it, and with the digit before it if it is alone.
      if (start < 0) start = i;
      i++;
    }
  };
  while (i < line.length) {
    const unit = line.charCodeAt(i);
    if (isPoint(unit)) points();
    else if (unit < 128 && PUNCTUATION[unit] === 1) single();
    else if (unit === HYPHEN && i > 0 && isDigit(line.charCodeAt(i - 1))) single();
    else if (isWhitespace(unit)) {
      close();
      i++;
    } else if (isolated?.(unit)) single();
    else {
      if (start < 0) start = i;
      i++;
    }
  }
  close();
  return tokens;
}
