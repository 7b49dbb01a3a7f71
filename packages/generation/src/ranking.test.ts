import { createRandom } from '@t2r/core';
import { expect, test } from 'vitest';
import { rankIds } from './ranking.js';

test('ranks are those of a stable descending sort, ties by id', () => {
  for (const vocab of [1, 2, 7, 64, 501]) {
    const random = createRandom('ranking', vocab);
    // Few distinct values, so that ties are common.
    const scores = Float64Array.from({ length: vocab }, () => random.integer(9) / 4);
    const expected = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
    const { rank, count } = rankIds(scores, new Uint32Array(vocab));
    expect(count).toBe(vocab);
    const found = Array.from({ length: vocab }, (_, i) => rank(i));
    expect(found).toEqual(expected);
    expect(rank(0)).toBe(expected[0]);
    const upper = rankIds(scores, new Uint32Array(vocab), 1);
    const above = expected.filter((id) => scores[id]! >= 1);
    expect(Array.from({ length: upper.count }, (_, i) => upper.rank(i))).toEqual(above);
  }
});
