import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { runPassCase } from '../testing/pass-case.js';
import { cancelReshapes } from './cancel-reshapes.js';

const inputs = { x: { shape: [2, 6] } };

describe('cancelReshapes', () => {
  it('makes one of those in a row, and none where the first shape comes back', async () => {
    const there = await runPassCase([cancelReshapes], {
      inputs,
      program: ({ x }) => ({ outputs: { y: tf.add(tf.reshape(tf.reshape(x!, [12]), [3, 4]), 1) } }),
    });
    expect(there.after).toEqual(['Reshape', 'Add']);
    const back = await runPassCase([cancelReshapes], {
      inputs,
      program: ({ x }) => ({ outputs: { y: tf.add(tf.reshape(tf.reshape(x!, [12]), [2, 6]), 1) } }),
    });
    expect(back.after).toEqual(['Add']);
  });

  it('puts what is done to each element in front', async () => {
    const { before, after } = await runPassCase([cancelReshapes], {
      inputs,
      program: ({ x }) => ({ outputs: { y: tf.reshape(tf.relu(tf.reshape(x!, [12])), [3, 4]) } }),
    });
    expect(before).toEqual(['Reshape', 'Relu', 'Reshape']);
    expect(after).toEqual(['Relu', 'Reshape']);
  });

  it('keeps reshapes that something else reads, and outputs of their shapes', async () => {
    const { nodes } = await runPassCase([cancelReshapes], {
      inputs,
      program: ({ x }) => {
        const flat = tf.reshape(x!, [12]);
        return { outputs: { flat, y: tf.exp(flat), back: tf.reshape(flat, [2, 6]) } };
      },
    });
    expect(nodes.map(({ op }) => op).sort()).toEqual(['Exp', 'Identity', 'Reshape', 'Reshape']);
  });
});
