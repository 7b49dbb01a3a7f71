import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { rmsNorm } from '../ops/rms-norm.js';
import { runPassCase } from '../testing/pass-case.js';
import { ownInverseRms } from './own-inverse-rms.js';

const inputs = { x: { shape: [3, 8] }, w: { shape: [8] } };

describe('ownInverseRms', () => {
  it('computes what gradients read', async () => {
    const { changes, after, before } = await runPassCase([ownInverseRms], {
      inputs,
      program: ({ x, w }) => {
        const [dx, dw] = tf.grads((a, b) => tf.sum(tf.square(rmsNorm(a!, b!))))([x!, w!]);
        return { outputs: { dx: dx!, dw: dw! } };
      },
      change: 1e-6,
    });
    expect(changes).toEqual({ 'own-inverse-rms': 1 });
    expect(after.length).toBe(before.length + 5);
  });

  it('leaves a norm without gradients', async () => {
    const { before, after } = await runPassCase([ownInverseRms], {
      inputs,
      program: ({ x, w }) => ({ outputs: { y: rmsNorm(x!, w!) } }),
    });
    expect(after).toEqual(before);
  });
});
