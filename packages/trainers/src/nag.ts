/**
 * Nesterov's accelerated gradient as fairseq's optimizer `nag` has it (Sutskever et al. 2013, with the momentum buffer
 * rescaled when the learning rate changes): the optimizer of Baevski & Auli 2019 (arXiv 1809.10853).
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Optimizer } from './optimizer.js';

export interface NagOptions {
  momentum: number;
  weightDecay: number;
  /** Decay also biases and norms, as fairseq does. */
  decayAll: boolean;
}

/**
 * fairseq's update, with g the scaled gradient, r the learning rate and r' the one of the step before:
 *
 *     p <- (1 - r * weightDecay) p + momentum^2 * r / r' * buf - (1 + momentum) * r * g
 *     buf <- momentum * r / r' * buf - r * g
 *
 * The slot holds w = buf / r' in place of buf. In it the update reads w' = momentum * w - g, p <- p + r (momentum * w' - g):
 * the same numbers, and no rate but the present one, so that a resumed run needs no memory of the last.
 */
export function createNag({ momentum, weightDecay, decayAll }: NagOptions): Optimizer {
  return {
    name: 'nag',
    elementwise: true,
    slots: ['nag.velocity'],
    scalars: ['rate', 'shrink'],
    scalarsAt: (_step, rate) => ({ rate, shrink: 1 - rate * weightDecay }),
    update({ parameter, gradient, gradientScale, slots, scalars, decay }) {
      const g = gradientScale === undefined ? gradient : tf.mul(gradient, gradientScale);
      const velocity = tf.sub(tf.mul(slots['nag.velocity']!, momentum), g);
      const base = weightDecay !== 0 && (decay || decayAll) ? tf.mul(parameter, scalars.shrink!) : parameter;
      const direction = tf.sub(tf.mul(velocity, momentum), g);
      return {
        parameter: tf.add(base, tf.mul(direction, scalars.rate!)),
        slots: { 'nag.velocity': velocity },
      };
    },
  };
}

export const nag = defineComponent({
  kind: 'optimizer',
  name: 'nag',
  description: "Nesterov's accelerated gradient, as fairseq's nag.",
  schema: z.strictObject({
    momentum: z.number().min(0).lt(1).default(0.99).describe('Part of the velocity that stays from step to step.'),
    weightDecay: z
      .number()
      .min(0)
      .default(0)
      .describe('Decoupled: parameters are multiplied by 1 - rate * weightDecay each step.'),
    decayAll: z.boolean().default(false).describe('Also decay biases and norms, as fairseq does.'),
  }),
  create: createNag,
});
