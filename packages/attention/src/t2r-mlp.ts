/**
 * T2R (Kasai et al. 2021, arXiv 2103.13076): linear attention with the learned feature map of Eq. 7,
 *
 *     phi(x) = relu(W x + b)
 *
 * with W [features, headDim] and b of each head its own, shared by queries and keys. Queries are scaled by headDim^-0.5
 * first, keys are not, which keeps the scaling that a pretrained softmax model has in its queries. Folds into the
 * projections (Eq. 8).
 */
import { defineComponent } from '@t2r/core';
import { gelu, relu } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, FeatureMap } from './contract.js';
import { type GateKind, gateOption } from './gates.js';
import {
  chunkOption,
  epsilonOption,
  formOption,
  type LinearForm,
  linearAttention,
  type RotateSide,
  rotateOption,
} from './linear.js';
import { affineFeatureMap, type ScaleSide } from './per-head.js';

/** `{ use: t2r-mlp, features: 32 }` */
export const t2rMlpSchema = z.strictObject({
  features: z
    .int()
    .min(1)
    .default(32)
    .describe('Features per head, k in the paper; the size of the state is k x (headDim + 1).'),
  activation: z
    .enum(['relu', 'gelu', 'tanh'])
    .default('relu')
    .describe('Elementwise function after the affine map; relu in the paper.'),
  bias: z.boolean().default(true).describe('Whether the feature map has a bias.'),
  shared: z.boolean().default(true).describe('One map for queries and keys, as in the paper, or one each.'),
  scale: z
    .enum(['query', 'both', 'none'])
    .default('query')
    .describe('What is scaled before the map: queries by d^-0.5 (the paper), both sides by d^-0.25, or nothing.'),
  gate: gateOption.optional(),
  rotate: rotateOption.optional(),
  epsilon: epsilonOption(1e-2),
  form: formOption,
  chunk: chunkOption,
});

/** Options of the `t2r-mlp` component; see the schema. */
export interface T2rMlpOptions {
  /** k: features per head. */
  features: number;
  activation: 'relu' | 'gelu' | 'tanh';
  bias: boolean;
  /** One map for queries and keys. Default true. */
  shared?: boolean;
  /** Default `query`. */
  scale?: ScaleSide;
  /** Default none. */
  gate?: GateKind;
  /** What rotary positions rotate; see the component's option. */
  rotate?: RotateSide;
  /** Lower bound of the denominator; 1e-2 in the released code. */
  epsilon: number;
  form: LinearForm;
  chunk: number;
}

const ACTIVATIONS = { relu, gelu, tanh: tf.tanh } satisfies Record<string, (x: tf.Tensor) => tf.Tensor>;

/** The T2R feature map. Its weights and biases start as U(-1/sqrt(d), 1/sqrt(d)), PyTorch's default for Linear(d, k). */
export function t2rFeatureMap({
  features,
  activation,
  bias,
  shared = true,
  scale = 'query',
}: Pick<T2rMlpOptions, 'features' | 'activation' | 'bias' | 'shared' | 'scale'>): FeatureMap {
  return affineFeatureMap({
    width: () => features,
    features: () => features,
    activation: ACTIVATIONS[activation],
    bias,
    shared,
    scale,
    init: (headDim) => {
      const uniform = { kind: 'uniform' as const, bound: headDim ** -0.5 };
      return { weight: uniform, bias: uniform };
    },
  });
}

/** T2R attention: linear attention with the learned feature map `phi(x) = activation(W x + b)`. */
export function t2rMlpAttention(given: T2rMlpOptions): Attention {
  const options = { shared: true, scale: 'query' as const, ...given };
  const { epsilon, form, chunk, gate, rotate } = options;
  return linearAttention({
    name: 't2r-mlp',
    options,
    featureMap: t2rFeatureMap(options),
    epsilon,
    form,
    chunk,
    gate,
    rotate,
    absDenominator: true,
  });
}

export const t2rMlp = defineComponent({
  kind: 'attention',
  name: 't2r-mlp',
  description: 'Linear attention with the learned feature map relu(W x + b) of T2R; a state of fixed size.',
  schema: t2rMlpSchema,
  create: t2rMlpAttention,
});
