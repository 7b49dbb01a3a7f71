/**
 * The candidates that unigram training starts from: the repeated stretches of the words, those that cover most of the text
 * first. They are the inner nodes of the words' suffix tree, found by sorting all suffixes.
 */
import type { ValidPiece } from './valid-piece.js';
import type { Words } from './words.js';

/** Candidates as stretches of `Words.chars`. */
export interface SeedPieces {
  starts: Int32Array;
  lengths: Int32Array;
  /** Occurrences in the text times length. */
  scores: Float64Array;
}

/** A stretch of characters that the suffixes read so far have in common with what may follow. */
interface Open {
  at: number;
  length: number;
  weight: number;
}

/**
 * The best `limit` stretches of two or more characters that occur at least twice, are valid, and are followed by different
 * characters or the end of a word: one that is always followed by the same says less than the longer one. The best come first.
 */
export function findSeedPieces(words: Words, isValid: ValidPiece, limit: number, maxLength: number): SeedPieces {
  const { chars, starts, counts } = words;
  const ends = new Int32Array(chars.length);
  const weights = new Float64Array(chars.length);
  for (let w = 0; w < counts.length; w++) {
    ends.fill(starts[w + 1]!, starts[w]!, starts[w + 1]!);
    weights.fill(counts[w]!, starts[w]!, starts[w + 1]!);
  }
  // One character more than a piece can have shows whether stretches of full length are followed by different ones.
  const depth = maxLength + 1;
  const suffixes = sortSuffixes(chars, ends, depth);
  const lengthAt = (i: number) => Math.min(ends[suffixes[i]!]! - suffixes[i]!, depth);
  const found: { at: number; length: number; score: number }[] = [];
  const open: Open[] = [];
  /** Closes all stretches longer than `shared`; what they weigh belongs to the one of that length. */
  const close = (shared: number) => {
    let closed: { at: number; weight: number } | undefined;
    while (open.length > 0 && open[open.length - 1]!.length > shared) {
      const { at, length, weight: own } = open.pop()!;
      const weight = own + (closed?.weight ?? 0);
      if (length > 1 && weight >= 2 && isValid(chars, at, at + length)) {
        found.push({ at, length, score: weight * length });
      }
      closed = { at, weight };
    }
    if (closed === undefined || shared === 0) return;
    const top = open[open.length - 1];
    if (top?.length === shared) top.weight += closed.weight;
    else open.push({ ...closed, length: shared });
  };
  for (const [i, at] of suffixes.entries()) {
    const length = lengthAt(i);
    if (i > 0) close(commonLength(chars, suffixes[i - 1]!, at, Math.min(lengthAt(i - 1), length)));
    const top = open[open.length - 1];
    if (top?.length === length) top.weight += weights[at]!;
    else open.push({ at, length, weight: weights[at]! });
  }
  close(0);
  found.sort((a, b) => b.score - a.score || a.length - b.length || compareStretches(chars, a, b));
  const kept = found.slice(0, limit);
  return {
    starts: Int32Array.from(kept, ({ at }) => at),
    lengths: Int32Array.from(kept, ({ length }) => length),
    scores: Float64Array.from(kept, ({ score }) => score),
  };
}

/** All positions, in the order of the stretches that begin there and end with their word, at most `depth` characters. */
function sortSuffixes(chars: Int32Array, ends: Int32Array, depth: number): Int32Array {
  const bySecond = (at: number) => (at + 1 < ends[at]! ? chars[at + 1]! + 1 : 0);
  let largest = 0;
  for (const char of chars) largest = Math.max(largest, char);
  // Two rounds of counting sort put the first two characters in order; comparing does the rest.
  let order = Int32Array.from(chars, (_, i) => i);
  for (const key of [bySecond, (at: number) => chars[at]!]) {
    const places = new Int32Array(largest + 3);
    for (const at of order) places[key(at) + 1]!++;
    for (let i = 1; i < places.length; i++) places[i]! += places[i - 1]!;
    const sorted = new Int32Array(order.length);
    for (const at of order) sorted[places[key(at)]!++] = at;
    order = sorted;
  }
  const compare = (a: number, b: number) => {
    const aEnd = Math.min(ends[a]!, a + depth);
    const bEnd = Math.min(ends[b]!, b + depth);
    let i = a + 2;
    let j = b + 2;
    for (; i < aEnd && j < bEnd; i++, j++) if (chars[i] !== chars[j]) return chars[i]! - chars[j]!;
    return aEnd - i - (bEnd - j) || a - b;
  };
  const samePair = (a: number, b: number) => chars[a] === chars[b] && bySecond(a) === bySecond(b);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && samePair(order[from]!, order[to]!)) to++;
    if (to - from > 1) order.subarray(from, to).sort(compare);
    from = to;
  }
  return order;
}

function commonLength(chars: Int32Array, a: number, b: number, most: number): number {
  let length = 0;
  while (length < most && chars[a + length] === chars[b + length]) length++;
  return length;
}

function compareStretches(
  chars: Int32Array,
  a: { at: number; length: number },
  b: { at: number; length: number },
): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    if (chars[a.at + i] !== chars[b.at + i]) return chars[a.at + i]! - chars[b.at + i]!;
  }
  return a.length - b.length;
}
