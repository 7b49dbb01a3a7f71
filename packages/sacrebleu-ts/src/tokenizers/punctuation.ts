/**
 * What the tokenizers `13a` and `zh` share: ASCII punctuation becomes a token of its own; a full stop or comma does
 * unless it stands between digits, a hyphen only after a digit.
 *
 * The original replaces four regular expressions one after another. One pass gives the same tokens when it keeps the two
 * particulars of that: of several full stops or commas in a row, those that are matched take their neighbour with
 * them, and where the line begins or ends matters only if no space has been put there.
 */
import { isWhitespace } from '../text/whitespace.js';

/** What a character does. */
const WORD = 0;
const SPACE = 1;
const SINGLE = 2;
const POINT = 3;
const HYPHEN = 4;

/** Of ASCII: single are `{` to `~`, `[` to the backtick, `!` to `&`, `(` to `+`, `:` to `@`, `/`. */
const ASCII_KINDS = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  if (isWhitespace(unit)) return SPACE;
  if ('.,'.includes(character)) return POINT;
  if (character === '-') return HYPHEN;
  return /[!-&(-+/:-@[-`{-~]/.test(character) ? SINGLE : WORD;
});

const isDigit = (unit: number) => unit >= 0x30 && unit <= 0x39;
const isPoint = (unit: number) => unit === 0x2e || unit === 0x2c;

export interface PunctuationOptions {
  /** Whether the line counts as having a space before and after it. */
  spaced: boolean;
  /** Characters outside ASCII that are tokens of their own. */
  isolated?: (unit: number) => boolean;
}

/** Tokens of a line. */
export function splitPunctuation(line: string, { spaced, isolated }: PunctuationOptions): string[] {
  const tokens: string[] = [];
  const { length } = line;
  let start = -1; // of the token at hand
  let previous = spaced ? 0x20 : 0x30; // what stands before the line counts as a digit if it is not a space
  let i = 0;
  while (i < length) {
    const unit = line.charCodeAt(i);
    let kind = WORD;
    if (unit < 128) kind = ASCII_KINDS[unit]!;
    else if (isWhitespace(unit)) kind = SPACE;
    else if (isolated?.(unit)) kind = SINGLE;
    if (kind === HYPHEN) kind = i > 0 && isDigit(previous) ? SINGLE : WORD;

    if (kind === WORD) {
      if (start < 0) start = i;
    } else if (kind === POINT) {
      let end = i + 1;
      while (end < length && isPoint(line.charCodeAt(end))) end++;
      const followed = end < length ? isDigit(line.charCodeAt(end)) : !spaced;
      // "Not a digit, then a point" is matched from left to right without overlap: first the character before the run
      // with its first point, or after a digit the first two points; then pairs of points; one may be left over. That
      // one stays with a digit behind it, and with the digit before it if it is alone.
      const stays = followed && (end - i) % 2 === (isDigit(previous) ? 1 : 0);
      const alone = stays ? end - 1 : end;
      if (start >= 0 && i < alone) {
        tokens.push(line.slice(start, i));
        start = -1;
      }
      for (; i < alone; i++) tokens.push(line[i]!);
      if (stays && start < 0) start = i;
      previous = 0x2e;
      i = end;
      continue;
    } else {
      if (start >= 0) tokens.push(line.slice(start, i));
      start = -1;
      if (kind === SINGLE) tokens.push(line[i]!);
    }
    previous = unit;
    i++;
  }
  if (start >= 0) tokens.push(line.slice(start));
  return tokens;
}
