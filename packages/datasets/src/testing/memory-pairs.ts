/** Pairs that lie in memory, for tests of batches. */
import type { PairReader } from '../pairs/types.js';

export function memoryPairs(
  pairs: readonly (readonly [source: readonly number[], target: readonly number[]])[],
): PairReader {
  const side = (at: 0 | 1) => ({
    lengths: Uint16Array.from(pairs, (pair) => pair[at].length),
    read: (pair: number, out: Int32Array, offset: number) => out.set(pairs[pair]![at], offset),
  });
  const [source, target] = [side(0), side(1)];
  return {
    pairs: pairs.length,
    sourceLengths: source.lengths,
    targetLengths: target.lengths,
    readSource: source.read,
    readTarget: target.read,
    line: (pair) => pair,
    close() {},
  };
}
