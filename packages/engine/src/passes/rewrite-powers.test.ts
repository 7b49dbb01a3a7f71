import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import { rewritePowers } from './rewrite-powers.js';

const inputs = { x: { shape: [2, 3] } };

describe('rewritePowers', () => {
  const simpler: Record<string, string[]> = {
    '2': ['Mul'],
    '0.5': ['Sqrt'],
    '-0.5': ['Sqrt', 'Reciprocal'],
    '-1': ['Reciprocal'],
    '3': ['Pow'],
    '1.5': ['Pow'],
  };
  for (const [power, expected] of Object.entries(simpler))
    it(`x ^ ${power} is ${expected.join(', ')}`, async () => {
      const { before, after } = await runPassCase([rewritePowers], {
        inputs,
        program: ({ x }) => ({ outputs: { y: tf.pow(x!, tf.fill([2, 3], Number(power))) } }),
        change: 1e-6,
      });
      expect(before).toEqual(['Pow']);
      expect(after).toEqual(expected);
    });

  it('leaves powers that differ or repeat x', async () => {
    const { before, after } = await runPassCase([rewritePowers], {
      inputs: { x: { shape: [3] } },
      program: ({ x }) => ({
        outputs: { a: tf.pow(x!, tf.tensor1d([2, 0.5, 2])), b: tf.pow(x!, tf.fill([2, 3], 2)) },
      }),
    });
    expect(after).toEqual(before);
  });
});
