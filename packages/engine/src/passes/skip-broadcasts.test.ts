import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import { skipBroadcasts } from './skip-broadcasts.js';

const inputs = { x: { shape: [2, 4, 5, 3] }, w: { shape: [1, 4, 3, 6] }, row: { shape: [1, 3] } };

describe('skipBroadcasts', () => {
  it('lets products repeat a matrix for a batch themselves', async () => {
    const { before, after } = await runPassCase([skipBroadcasts], {
      inputs,
      program: ({ x, w }) => {
        const repeated = tf.add(w!, tf.zeros([2, 1, 1, 1])); // [2, 4, 3, 6]
        return { outputs: { y: tf.matMul(x!, repeated), z: tf.matMul(repeated, x!, true, true) } };
      },
    });
    expect(before).toEqual(['Add', 'MatMul', 'FusedMatMul']);
    expect(after).toEqual(['MatMul', 'FusedMatMul']);
  });

  it('and elementwise operations a row', async () => {
    const { before, after } = await runPassCase([skipBroadcasts], {
      inputs,
      program: ({ x, row }) => ({ outputs: { y: tf.sub(x!, tf.mul(row!, tf.ones([5, 3]))) } }),
    });
    expect(before).toEqual(['Mul', 'Sub']);
    expect(after).toEqual(['Sub']);
  });

  it('and a condition, which TensorFlow.js tiles', async () => {
    const { after } = await runPassCase([skipBroadcasts], {
      inputs,
      program: ({ x, row }) => ({ outputs: { y: tf.where(tf.less(tf.sum(row!), 1), x!, tf.mul(x!, 2)) } }),
    });
    expect(after).toEqual(['ReduceSum', 'Less', 'Mul', 'Reshape', 'Where']);
  });

  it('but not a tiled row, which is one row after another', async () => {
    const { before, after } = await runPassCase([skipBroadcasts], {
      inputs: { pair: { shape: [1, 2] }, y: { shape: [3, 4] } },
      program: ({ pair, y }) => ({ outputs: { y: tf.add(tf.tile(pair!, [3, 2]), y!) } }),
    });
    expect(after).toEqual(before);
  });

  it('keeps what gives the result its shape, is read by something else, or is an output', async () => {
    const { before, after } = await runPassCase([skipBroadcasts], {
      inputs,
      program: ({ x, w, row }) => {
        const repeated = tf.add(w!, tf.zeros([2, 1, 1, 1]));
        return {
          outputs: {
            shape: tf.add(tf.add(row!, tf.zeros([5, 1])), 1),
            other: tf.sum(repeated),
            product: tf.matMul(x!, repeated),
            out: tf.add(row!, tf.zeros([5, 1])),
          },
        };
      },
    });
    expect(after).toEqual(before);
  });

  it('keeps a matrix that is itself repeated along an axis of the product', async () => {
    const { before, after } = await runPassCase([skipBroadcasts], {
      inputs: { x: { shape: [5, 3] }, column: { shape: [3, 1] } },
      program: ({ x, column }) => ({
        outputs: { y: tf.matMul(x as tf.Tensor2D, tf.add(column!, tf.zeros([1, 4])) as tf.Tensor2D) },
      }),
    });
    expect(after).toEqual(before);
  });
});
