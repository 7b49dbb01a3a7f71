/**
 * Hedgehog (Zhang et al. 2024, arXiv 2402.04347): linear attention with a learned feature map made to imitate the spiky and
 * monotonic weights of softmax (section 4, in the normalised form of its implementation),
 *
 *     phi(x) = [softmax(W x + b), softmax(-W x - b)]
 *
 * with softmax over the features and W [features / 2, headDim] and b of each head its own. Queries and keys have a map
 * each, which start as the identity.
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, FeatureMap } from './contract.js';
import { gateOption } from './gates.js';
import { chunkOption, epsilonOption, formOption, linearAttention, rotateOption } from './linear.js';
import { affineFeatureMap } from './per-head.js';

/** `{ use: hedgehog }` */
export const hedgehogSchema = z.strictObject({
  features: z
    .int()
    .min(2)
    .multipleOf(2)
    .optional()
    .describe('Features per head, both halves together; 2 x headDim as in the paper if not given.'),
  bias: z.boolean().default(true).describe('Whether the feature map has a bias.'),
  init: z
    .enum(['identity', 'uniform'])
    .default('identity')
    .describe('How W starts: as the identity with b = 0, or W and b as U(-1/sqrt(d), 1/sqrt(d)).'),
  shared: z.boolean().default(false).describe('One map for queries and keys; the paper has one each.'),
  scale: z
    .enum(['query', 'both', 'none'])
    .default('none')
    .describe(
      'What is scaled before the map: nothing (the paper), both sides by d^-0.25 (nearer to a pretrained softmax), or queries by d^-0.5.',
    ),
  gate: gateOption.optional(),
  rotate: rotateOption.optional(),
  epsilon: epsilonOption(1e-12),
  form: formOption,
  chunk: chunkOption,
});

/** Validated options of the `hedgehog` component. */
export type HedgehogOptions = z.output<typeof hedgehogSchema>;

/** u [B,H,T,w] -> [softmax(u), softmax(-u)], [B,H,T,2w]. */
const spikes = (u: tf.Tensor) => tf.concat([tf.softmax(u), tf.softmax(tf.neg(u))], 3);

/** The Hedgehog feature map. */
export function hedgehogFeatureMap({
  features,
  bias,
  init,
  shared,
  scale,
}: Pick<HedgehogOptions, 'features' | 'bias' | 'init' | 'shared' | 'scale'>): FeatureMap {
  const total = (headDim: number) => features ?? 2 * headDim;
  return affineFeatureMap({
    width: (headDim) => total(headDim) / 2,
    features: total,
    activation: spikes,
    bias,
    shared,
    scale,
    init: (headDim) => {
      const uniform = { kind: 'uniform' as const, bound: headDim ** -0.5 };
      return init === 'uniform'
        ? { weight: uniform, bias: uniform }
        : { weight: { kind: init }, bias: { kind: 'zeros' } };
    },
  });
}

/** Hedgehog attention. */
export function hedgehogAttention(options: HedgehogOptions): Attention {
  const { epsilon, form, chunk, gate, rotate } = options;
  const featureMap = hedgehogFeatureMap(options);
  return linearAttention({ name: 'hedgehog', options: { ...options }, featureMap, epsilon, form, chunk, gate, rotate });
}

export const hedgehog = defineComponent({
  kind: 'attention',
  name: 'hedgehog',
  description: 'Linear attention with the softmax feature map of Hedgehog, which imitates spiky softmax weights.',
  schema: hedgehogSchema,
  create: hedgehogAttention,
});
