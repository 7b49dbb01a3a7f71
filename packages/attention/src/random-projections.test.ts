import '@tensorflow/tfjs';
import type { DropoutSource } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { favorAttention } from './favor.js';
import { gaussianMatrix, orthogonalMatrix, projectionPool } from './random-projections.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

describe('orthogonal projections', () => {
  it('are orthogonal within blocks of headDim rows, and as long as Gaussian vectors', () => {
    const [rows, headDim] = [12, 5];
    const matrix = orthogonalMatrix(rows, headDim, 1);
    const row = (i: number) => matrix.subarray(i * headDim, (i + 1) * headDim);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < i; j++) {
        const cosine = dot(row(i), row(j)) / Math.sqrt(dot(row(i), row(i)) * dot(row(j), row(j)));
        if (Math.floor(i / headDim) === Math.floor(j / headDim)) expect(cosine).toBeCloseTo(0, 5);
      }
    }
    const long = orthogonalMatrix(2000, headDim, 2);
    expect(dot(long, long) / 2000).toBeCloseTo(headDim, 0);
  });
});

describe('a pool of projections', () => {
  const shape = { heads: 2, headDim: 3 };
  const source = (...indices: number[]) =>
    ({ integers: () => tf.tensor1d(indices, 'int32') }) as unknown as DropoutSource;
  const pool = (redraw: boolean) => projectionPool(4, { redraw, pool: 5, seed: 3 }, gaussianMatrix);

  it('gives training the drawn matrices and evaluation the first ones', () => {
    const matrix = (i: number) => [...gaussianMatrix(4, 3, 3, i)];
    expect([...pool(true).draw(shape).dataSync()]).toEqual([...matrix(0), ...matrix(1)]);
    expect([...pool(true).fixed(shape)]).toEqual([...matrix(0), ...matrix(1)]);
    expect([...pool(true).draw(shape, source(4, 2)).dataSync()]).toEqual([...matrix(4), ...matrix(2)]);
    expect([...pool(false).draw(shape, source(4, 2)).dataSync()]).toEqual([...matrix(0), ...matrix(1)]);
  });

  it('gives queries and keys of a step the same matrices, and other ones at another step', () => {
    const options = { features: 4, orthogonal: true, redraw: true, pool: 5, seed: 0, epsilon: 1e-6 };
    const attention = favorAttention({ ...options, form: 'auto', chunk: 8 });
    const [q, k, v] = [1, 2, 3].map((seed) => tf.randomNormal([1, 2, 6, 3], 0, 1, 'float32', seed));
    const run = (random?: DropoutSource) => attention.parallel(q!, k!, v!, {}, { causal: true, random }).dataSync();
    expect(run(source(0, 1))).toEqual(run());
    expect(run(source(2, 3))).not.toEqual(run());
  });
});

describe('positive random features', () => {
  it('estimate softmax attention', () => {
    const options = {
      orthogonal: true,
      redraw: false,
      pool: 1,
      seed: 0,
      epsilon: 1e-6,
      form: 'auto',
      chunk: 8,
    } as const;
    const [q, k, v] = [1, 2, 3].map((seed) => tf.randomNormal([1, 1, 8, 4], 0, 0.5, 'float32', seed));
    const scores = tf.mul(tf.matMul(q!, k!, false, true), 0.5);
    const exact = tf.matMul(tf.softmax(scores), v!);
    const error = (features: number) => {
      const estimate = favorAttention({ ...options, features }).parallel(q!, k!, v!, {}, { causal: false });
      return tf.max(tf.abs(tf.sub(estimate, exact))).dataSync()[0]!;
    };
    expect(error(4000)).toBeLessThan(0.05);
    expect(error(4000)).toBeLessThan(error(16));
  });
});
