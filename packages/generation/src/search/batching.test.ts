import { expect, test } from 'vitest';
import { formBatches } from './batching.js';

test('sources of like length go together, within both limits', () => {
  const lengths = Array.from({ length: 100 }, (_, i) => 1 + ((i * 37) % 50));
  const batches = formBatches(lengths, { sentences: 16, tokens: 200 });
  expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
  for (const batch of batches) {
    const longest = Math.max(...batch.map((i) => lengths[i]!));
    expect(batch.length).toBeLessThanOrEqual(16);
    expect(batch.length * longest).toBeLessThanOrEqual(200);
  }
});

test('a source over the limit is a batch of its own, and batches come from long to short', () => {
  expect(formBatches([3, 500, 4, 3], { sentences: 8, tokens: 100 })).toEqual([[1], [0, 2, 3]]);
  expect(formBatches([], { sentences: 8, tokens: 100 })).toEqual([]);
});
