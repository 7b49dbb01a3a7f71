import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import { splitScatters } from './split-scatters.js';

const sums = (rows: tf.Tensor, ids: tf.Tensor) => tf.unsortedSegmentSum(rows, ids as tf.Tensor1D, 2);

it('scatters many rows one part after the other, with the same sums bit for bit', async () => {
  const { after } = await runPassCase([splitScatters], {
    inputs: { ids: { shape: [700], dtype: 'int32' }, rows: { shape: [700, 256] } },
    program: ({ ids, rows }) => ({ outputs: { y: sums(rows!, ids!) } }),
  });
  expect(after.filter((op) => op === 'ScatterElements')).toHaveLength(3);
});

it('leaves few rows alone, and takes rows wider than a part one by one', async () => {
  for (const [count, width] of [
    [3, 4],
    [2, 1 << 17],
  ] as const) {
    const { before, after } = await runPassCase([splitScatters], {
      inputs: { ids: { shape: [count], dtype: 'int32' }, rows: { shape: [count, width] } },
      program: ({ ids, rows }) => ({ outputs: { y: sums(rows!, ids!) } }),
    });
    expect(after.filter((op) => op === 'ScatterElements')).toHaveLength(count === 3 ? 1 : 2);
    if (count === 3) expect(after).toEqual(before);
  }
});
