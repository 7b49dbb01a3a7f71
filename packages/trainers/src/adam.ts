/**
 * Adam (Kingma & Ba 2015, arXiv 1412.6980) and AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), with the operations of
 * PyTorch's `torch.optim.Adam` and `AdamW`: the bias correction of v goes inside the root and eps outside it.
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Optimizer } from './optimizer.js';

export interface AdamOptions {
  betas: [number, number];
  eps: number;
  weightDecay: number;
  /** Decay also biases and norms, as PyTorch does when it is given all parameters in one group. */
  decayAll: boolean;
}

/**
 * With g the scaled gradient and t = step + 1:
 *
 *     m <- b1 m + (1 - b1) g        v <- b2 v + (1 - b2) g^2
 *     p <- p - rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *
 * @param decoupled true: p is first multiplied by 1 - rate * weightDecay (AdamW); false: weightDecay * p is added to g (Adam)
 */
export function createAdam(name: string, options: AdamOptions, decoupled: boolean): Optimizer {
  const { betas, eps, weightDecay, decayAll } = options;
  const [b1, b2] = betas;
  return {
    name,
    elementwise: true,
    slots: ['adam.m', 'adam.v'],
    scalars: ['stepSize', 'margin', 'shrink'],
    // Both corrections are in numbers: m / (sqrt(v) / c + eps) = c * m / (sqrt(v) + c * eps) saves a pass over every parameter.
    scalarsAt: (step, rate) => {
      const root = Math.sqrt(1 - b2 ** (step + 1));
      return {
        stepSize: (rate * root) / (1 - b1 ** (step + 1)),
        margin: eps * root,
        shrink: 1 - rate * weightDecay,
      };
    },
    update({ parameter, gradient, gradientScale, slots, scalars, decay }) {
      const decays = weightDecay !== 0 && (decay || decayAll);
      let g = gradient;
      let scale: tf.Tensor | undefined = gradientScale;
      if (decays && !decoupled) {
        g = tf.add(scale === undefined ? g : tf.mul(g, scale), tf.mul(parameter, weightDecay));
        scale = undefined;
      }
      // The scale joins the scalar factors, which saves a pass over every gradient.
      const mFactor = scale === undefined ? 1 - b1 : tf.mul(scale, 1 - b1);
      const vFactor = scale === undefined ? 1 - b2 : tf.mul(tf.square(scale), 1 - b2);
      const m = tf.add(tf.mul(slots['adam.m']!, b1), tf.mul(g, mFactor));
      const v = tf.add(tf.mul(slots['adam.v']!, b2), tf.mul(tf.square(g), vFactor));
      const root = tf.add(tf.sqrt(v), scalars.margin!);
      const base = decays && decoupled ? tf.mul(parameter, scalars.shrink!) : parameter;
      return {
        parameter: tf.sub(base, tf.mul(tf.div(m, root), scalars.stepSize!)),
        slots: { 'adam.m': m, 'adam.v': v },
      };
    },
  };
}

const beta = z.number().min(0).lt(1);

const schema = (weightDecay: number, kind: string) =>
  z.strictObject({
    betas: z
      .tuple([beta, beta])
      .default([0.9, 0.999])
      .describe('Decay rates of the running means of the gradient and of its square.'),
    eps: z.number().positive().default(1e-8).describe('Added to the root of the second moment.'),
    weightDecay: z.number().min(0).default(weightDecay).describe(kind),
    decayAll: z
      .boolean()
      .default(false)
      .describe('Also decay biases and norms, as PyTorch does with all parameters in one group.'),
  });

export const adam = defineComponent({
  kind: 'optimizer',
  name: 'adam',
  description: 'Adam (Kingma & Ba 2015), as torch.optim.Adam.',
  schema: schema(0, 'L2 penalty: weightDecay * parameter is added to the gradient.'),
  create: (options) => createAdam('adam', options, false),
});

export const adamw = defineComponent({
  kind: 'optimizer',
  name: 'adamw',
  description: 'Adam with decoupled weight decay (Loshchilov & Hutter 2019), as torch.optim.AdamW.',
  schema: schema(0.01, 'Decoupled: parameters are multiplied by 1 - rate * weightDecay each step.'),
  create: (options) => createAdam('adamw', options, true),
});
