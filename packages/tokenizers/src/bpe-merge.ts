/** Applies learned merges to one word: lowest rank first, leftmost first, as the merges were learned. */
import { Heap } from './heap.js';

/** Ids stay below 2^21, so a pair fits a double exactly. */
const SHIFT = 2 ** 21;
/** Positions stay below 2^32, so rank and position fit a double exactly. */
const POSITIONS = 2 ** 32;
/** Symbol of a position that has become part of the one before it. */
const GONE = -1;

/** Ranks and results of merges, looked up by the pair of ids they join. */
export class MergeTable {
  readonly #ranks = new Map<number, number>();
  readonly #results: number[] = [];

  /** @param merges `[left, right, result]` ids in order of rank; of two merges of the same pair the later counts. */
  constructor(merges: Iterable<readonly [number, number, number]>) {
    for (const [left, right, result] of merges) {
      this.#ranks.set(left * SHIFT + right, this.#results.length);
      this.#results.push(result);
    }
  }

  /** Ids of a word given the ids of its bytes, which are overwritten. O(n log n) in the word's length. */
  apply(symbols: Int32Array): Int32Array {
    const size = symbols.length;
    const next = Int32Array.from(symbols, (_, i) => (i + 1 < size ? i + 1 : -1));
    const previous = Int32Array.from(symbols, (_, i) => i - 1);
    const queue = new Heap<number>((a, b) => a < b);
    const rankAt = (at: number) =>
      at < 0 || next[at]! < 0 ? undefined : this.#ranks.get(symbols[at]! * SHIFT + symbols[next[at]!]!);
    const enqueue = (at: number) => {
      const rank = rankAt(at);
      if (rank !== undefined) queue.push(rank * POSITIONS + at);
    };
    for (let i = 0; i + 1 < size; i++) enqueue(i);
    let count = size;
    for (let entry = queue.pop(); entry !== undefined; entry = queue.pop()) {
      const at = entry % POSITIONS;
      const rank = Math.floor(entry / POSITIONS);
      // The symbols at this position may have been merged with others since the entry was made.
      if (symbols[at] === GONE || rankAt(at) !== rank) continue;
      const right = next[at]!;
      symbols[at] = this.#results[rank]!;
      symbols[right] = GONE;
      next[at] = next[right]!;
      if (next[at]! >= 0) previous[next[at]!] = at;
      count--;
      enqueue(previous[at]!);
      enqueue(at);
    }
    const ids = new Int32Array(count);
    for (let at = 0, i = 0; i < count; at = next[at]!, i++) ids[i] = symbols[at]!;
    return ids;
  }
}
