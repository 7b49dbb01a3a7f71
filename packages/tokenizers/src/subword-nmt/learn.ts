/**
 * Learns BPE codes from word counts as subword-nmt's `learn-bpe` does (Sennrich et al. 2016, arXiv 1508.07909): the most
 * frequent pair is merged first, of several the one that comes last in the order of code points.
 */
import { compareCodePoints } from '../code-points.js';
import { Heap } from '../heap.js';
import { END_OF_WORD, type Merge } from './codes.js';

export interface LearnCodesOptions {
  /** Number of merges wanted; fewer where the text has too few pairs. */
  merges: number;
  /** A pair that occurs less often is not merged. Default 2. */
  minFrequency?: number;
  signal?: AbortSignal;
}

/** A pair waiting to be merged. Its count may be out of date. */
interface Candidate {
  pair: Pair;
  count: number;
}

interface Pair {
  left: string;
  right: string;
  count: number;
  /** Words the pair has been seen in; it may have gone from some. */
  words: Set<number>;
}

/** Learns merges from a map of words to how often they occur. Gives way to other tasks now and then. */
export async function learnCodes(
  counts: ReadonlyMap<string, number>,
  { merges: wanted, minFrequency = 2, signal }: LearnCodesOptions,
): Promise<Merge[]> {
  const words: string[][] = [];
  const frequencies: number[] = [];
  for (const [word, count] of counts) {
    words.push(wordSymbols(word));
    frequencies.push(count);
  }
  const pairs = new PairTable();
  for (const [w, word] of words.entries()) {
    for (let i = 0; i + 1 < word.length; i++) pairs.add(word[i]!, word[i + 1]!, frequencies[w]!, w);
  }
  const queue = new Heap<Candidate>(
    (a, b) => a.count > b.count || (a.count === b.count && comparePairs(a.pair, b.pair) > 0),
  );
  for (const pair of pairs.takeChanged()) queue.push({ pair, count: pair.count });

  const merges: Merge[] = [];
  while (merges.length < wanted) {
    const top = queue.pop();
    if (top === undefined) break;
    const { pair } = top;
    if (top.count !== pair.count) {
      if (pair.count > 0) queue.push({ pair, count: pair.count });
      continue;
    }
    if (pair.count < minFrequency) break;
    merges.push([pair.left, pair.right]);
    const joined = pair.left + pair.right;
    for (const w of pair.words) {
      const before = words[w]!;
      const after = mergeIn(before, pair, joined);
      if (after.length === before.length) continue;
      words[w] = after;
      pairs.update(before, after, pair, joined, frequencies[w]!, w);
    }
    pair.count = 0;
    pair.words.clear();
    for (const changed of pairs.takeChanged())
      if (changed.count > 0) queue.push({ pair: changed, count: changed.count });
    if (merges.length % 64 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
  }
  return merges;
}

/** Characters of a word, the last one marked. */
export function wordSymbols(word: string): string[] {
  const chars = [...word];
  chars[chars.length - 1] += END_OF_WORD;
  return chars;
}

function mergeIn(word: readonly string[], { left, right }: Pair, joined: string): string[] {
  const merged: string[] = [];
  for (let i = 0; i < word.length; i++) {
    if (word[i] === left && word[i + 1] === right) {
      merged.push(joined);
      i++;
    } else merged.push(word[i]!);
  }
  return merged;
}

const comparePairs = (a: Pair, b: Pair) => compareCodePoints(a.left, b.left) || compareCodePoints(a.right, b.right);

/** Counts of pairs. Symbols are compared by their text, however they came about. */
class PairTable {
  readonly #pairs = new Map<string, Map<string, Pair>>();
  #changed = new Set<Pair>();

  add(left: string, right: string, change: number, word: number): void {
    const rights = this.#pairs.get(left) ?? new Map<string, Pair>();
    if (rights.size === 0) this.#pairs.set(left, rights);
    const pair = rights.get(right) ?? { left, right, count: 0, words: new Set() };
    rights.set(right, pair);
    pair.count += change;
    if (change > 0) {
      pair.words.add(word);
      this.#changed.add(pair);
    }
  }

  /**
   * Brings the counts up to date with a word in which `pair` was merged. As in subword-nmt, symbols of the same text that
   * stood in the word already are counted as if they were new.
   */
  update(before: readonly string[], after: readonly string[], pair: Pair, joined: string, count: number, word: number) {
    const { left, right } = pair;
    const isMatch = (i: number) => before[i] === left && before[i + 1] === right;
    for (let i = 0; i < before.length; ) {
      if (!isMatch(i)) {
        i++;
        continue;
      }
      if (i > 0) this.add(before[i - 1]!, left, -count, word);
      // Where the next two symbols are a match too, the pair between the matches is taken off there.
      if (i + 2 < before.length && !isMatch(i + 2)) this.add(right, before[i + 2]!, -count, word);
      i += 2;
    }
    for (const [i, symbol] of after.entries()) {
      if (symbol !== joined) continue;
      if (i > 0) this.add(after[i - 1]!, symbol, count, word);
      if (i + 1 < after.length && after[i + 1] !== joined) this.add(symbol, after[i + 1]!, count, word);
    }
  }

  /** Pairs whose counts have grown since the last call. */
  takeChanged(): Set<Pair> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }
}
