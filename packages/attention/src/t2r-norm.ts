/**
 * T2R's feature map without a denominator, the output of every head normalised instead: the attention of SUPRA (Mercat et
 * al. 2024, arXiv 2405.06640, section 3),
 *
 *     y_t = norm(phi(q_t) S_t),   phi(x) = relu(W x + b),   S_t = gamma S_{t-1} + phi(k_t)^T v_t
 *
 * with norm a group norm of one group per head. It has no weights of its own: the output projection that follows can take
 * any part they could have. gamma is 1, or RetNet's fixed decay of each head. With rotary positions, `rotate: features`
 * turns phi(q) and phi(k), as SUPRA does.
 */
import { defineComponent } from '@t2r/core';
import { z } from 'zod';
import type { Attention } from './contract.js';
import { chunkOption, formOption, linearAttention, rotateOption } from './linear.js';
import { t2rFeatureMap, t2rMlpSchema } from './t2r-mlp.js';

const { features, activation, bias, shared, scale } = t2rMlpSchema.shape;

/** `{ use: t2r-norm, features: 32 }` */
export const t2rNormSchema = z.strictObject({
  features,
  activation,
  bias,
  shared,
  scale,
  decay: z.boolean().default(false).describe('Forget at fixed rates: head h by 1 - 2^(-5-h) a position, as RetNet.'),
  rotate: rotateOption.optional(),
  epsilon: z
    .number()
    .positive()
    .default(1e-5)
    .describe('Added to the variance that outputs are divided by the root of.'),
  form: formOption,
  chunk: chunkOption,
});

/** Validated options of the `t2r-norm` component. */
export type T2rNormOptions = z.output<typeof t2rNormSchema>;

/** T2R attention with a normalised output in the place of a denominator. */
export function t2rNormAttention(options: T2rNormOptions): Attention {
  const { decay, epsilon, form, chunk, rotate } = options;
  return linearAttention({
    name: 't2r-norm',
    options: { ...options },
    featureMap: t2rFeatureMap(options),
    decay,
    epsilon,
    form,
    chunk,
    rotate,
    normaliseOutput: true,
  });
}

export const t2rNorm = defineComponent({
  kind: 'attention',
  name: 't2r-norm',
  description:
    'T2R attention whose output is normalised in the place of a denominator, as SUPRA; a state of fixed size.',
  schema: t2rNormSchema,
  create: t2rNormAttention,
});
