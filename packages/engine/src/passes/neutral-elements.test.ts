import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import type { Program } from '../types.js';
import { neutralElements } from './neutral-elements.js';

const inputs = { x: { shape: [2, 3] }, row: { shape: [3] }, one: { shape: [] } };

describe('neutralElements', () => {
  const cases: Record<string, Program> = {
    'x + 0': ({ x }) => ({ outputs: { y: tf.exp(tf.add(x!, 0)) } }),
    '0 + x': ({ x }) => ({ outputs: { y: tf.exp(tf.add(tf.zeros([2, 3]), x!)) } }),
    'x - 0': ({ x }) => ({ outputs: { y: tf.exp(tf.sub(x!, tf.zeros([3]))) } }),
    'x * 1': ({ x }) => ({ outputs: { y: tf.exp(tf.mul(x!, 1)) } }),
    '1 * x': ({ x }) => ({ outputs: { y: tf.exp(tf.mul(1, x!)) } }),
    'x / 1': ({ x }) => ({ outputs: { y: tf.exp(tf.div(x!, tf.ones([1]))) } }),
    'x ^ 1': ({ x }) => ({ outputs: { y: tf.exp(tf.pow(x!, 1)) } }),
    '-(-x)': ({ x }) => ({ outputs: { y: tf.exp(tf.neg(tf.neg(x!))) } }),
  };
  for (const [name, program] of Object.entries(cases))
    it(`${name} is x`, async () => {
      const { before, after } = await runPassCase([neutralElements], { inputs, program });
      expect(before.length).toBeGreaterThan(1);
      expect(after).toEqual(['Exp']);
    });

  it('leaves what is not neutral: 0 - x, 1 / x, 2 x, and sums that repeat a row', async () => {
    const { before, after } = await runPassCase([neutralElements], {
      inputs,
      program: ({ x, row, one }) => ({
        outputs: {
          a: tf.sub(0, x!),
          b: tf.div(1, x!),
          c: tf.mul(x!, 2),
          d: tf.add(row!, tf.zeros([2, 3])),
          e: tf.mul(one!, tf.ones([1, 1])),
        },
      }),
    });
    expect(after).toEqual(before);
  });

  it('hands the name of an output over, and keeps a node for an input that is one', async () => {
    const { nodes } = await runPassCase([neutralElements], {
      inputs,
      program: ({ x, row }) => ({ outputs: { y: tf.mul(tf.exp(x!), 1), z: tf.add(row!, 0) } }),
    });
    expect(nodes.map(({ op, outputs: [name] }) => [op, name])).toEqual([
      ['Exp', 'output.y'],
      ['Identity', 'output.z'],
    ]);
  });
});
