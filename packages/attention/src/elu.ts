/**
 * The linear transformer (Katharopoulos et al. 2020, arXiv 2006.16236): linear attention with the feature map of Eq. 7,
 *
 *     phi(x) = elu(x) + 1
 *
 * elementwise, so that features = headDim. It has no parameters, and queries and keys are not scaled.
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, FeatureMap } from './contract.js';
import { chunkOption, epsilonOption, formOption, linearAttention, rotateOption } from './linear.js';

/** `{ use: elu }` */
export const eluSchema = z.strictObject({
  rotate: rotateOption.optional(),
  epsilon: epsilonOption(1e-6),
  form: formOption,
  chunk: chunkOption,
});

/** Validated options of the `elu` component. */
export type EluOptions = z.output<typeof eluSchema>;

const phi = (x: tf.Tensor) => tf.add(tf.elu(x), 1);

/** phi(x) = elu(x) + 1. */
export const eluFeatureMap: FeatureMap = { features: (headDim) => headDim, parameters: () => [], query: phi, key: phi };

/** The attention of the linear transformer. */
export function eluAttention(options: EluOptions): Attention {
  return linearAttention({ name: 'elu', options: { ...options }, featureMap: eluFeatureMap, ...options });
}

export const elu = defineComponent({
  kind: 'attention',
  name: 'elu',
  description: 'Linear attention with the feature map elu(x) + 1, without parameters; a state of fixed size.',
  schema: eluSchema,
  create: eluAttention,
});
