import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { embedding } from '../ops/embedding.js';
import { runPassCase } from '../testing/pass-case.js';
import { scatterSums } from './scatter-sums.js';

it('scatters the rows of a look-up into the gradient of a product with the same table', async () => {
  const { before, after } = await runPassCase([scatterSums], {
    inputs: { table: { shape: [6, 4] }, ids: { shape: [3], dtype: 'int32' } },
    program: ({ table, ids }) => {
      const loss = (w: tf.Tensor) => {
        const rows = embedding(w, ids!); // [3, 4]
        return tf.sum(tf.square(tf.matMul(rows as tf.Tensor2D, w as tf.Tensor2D, false, true))) as tf.Scalar;
      };
      return { outputs: { gradient: tf.grad(loss)(table!) } };
    },
    // The order of a sum.
    change: 1e-6,
  });
  const count = (operations: string[], op: string) => operations.filter((other) => other === op).length;
  expect(count(before, 'ScatterElements')).toBe(1);
  expect(count(after, 'ScatterElements')).toBe(1);
  expect(count(after, 'Expand')).toBe(count(before, 'Expand') - 1);
  expect(after.at(-1)).toBe('ScatterElements');
});

it('leaves a scatter that something else reads', async () => {
  const { before, after } = await runPassCase([scatterSums], {
    inputs: { table: { shape: [6, 4] }, ids: { shape: [3], dtype: 'int32' }, rows: { shape: [3, 4] } },
    program: ({ table, ids, rows }) => {
      const sums = tf.unsortedSegmentSum(rows!, ids as tf.Tensor1D, 6);
      return { outputs: { y: tf.add(table!, sums), z: tf.exp(sums) } };
    },
  });
  expect(after).toEqual(before);
});
