/**
 * The feature map of T2R (Kasai et al. 2021, arXiv 2103.13076, Eq. 7): phi(x) = relu(W x + b), with W [features, headDim]
 * and b of each head its own, shared by queries and keys. Queries are scaled by headDim^-0.5 first, keys are not, which
 * keeps the scaling that a pretrained softmax model has in its queries.
 */
import { gelu, relu } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Attention, AttentionParameters, AttentionShape, ParameterSpec } from './contract.js';
import { fuseFeatureMap } from './fuse.js';
import { type FeatureMap, type LinearForm, linearAttention } from './linear.js';

/** Validated options of the `t2r-mlp` component. */
export interface T2rMlpOptions {
  /** k: features per head. */
  features: number;
  activation: 'relu' | 'gelu' | 'tanh';
  bias: boolean;
  /** Lower bound of the denominator; 1e-2 in the released code. */
  epsilon: number;
  form: LinearForm;
  chunk: number;
}

const ACTIVATIONS = { relu, gelu, tanh: tf.tanh } satisfies Record<string, (x: tf.Tensor) => tf.Tensor>;

/** Parameter names within one attention. */
const WEIGHT = 'phi.weight';
const BIAS = 'phi.bias';

/** phi of every head: x [B,H,T,d] -> act(scale * x W^T + b) [B,H,T,features]. */
function applyMap(
  x: tf.Tensor,
  parameters: AttentionParameters,
  activation: (x: tf.Tensor) => tf.Tensor,
  scale: number,
): tf.Tensor {
  const weight = parameters[WEIGHT]!; // [H,k,d]
  const bias = parameters[BIAS]; // [H,k]
  const [heads, features, headDim] = weight.shape as [number, number, number];
  // Scaling W is scaling x, on far fewer numbers. Adding zeros repeats W along the batch: unlike a broadcast inside
  // matMul, its gradient sums over the batch again.
  const scaled = tf.reshape(scale === 1 ? weight : tf.mul(weight, scale), [1, heads, features, headDim]);
  const repeated = tf.add(scaled, tf.zeros([x.shape[0]!, 1, 1, 1])); // [B,H,k,d]
  const product = tf.matMul(x, repeated, false, true); // [B,H,T,k]
  return activation(bias ? tf.add(product, tf.reshape(bias, [1, heads, 1, features])) : product);
}

/** The T2R feature map. Its weights and biases start as U(-1/sqrt(d), 1/sqrt(d)), PyTorch's default for Linear(d, k). */
export function t2rFeatureMap({ features, activation, bias }: Pick<T2rMlpOptions, 'features' | 'activation' | 'bias'>) {
  const act = ACTIVATIONS[activation];
  const queryScale = (headDim: number) => headDim ** -0.5;
  return {
    features: () => features,
    parameters: ({ heads, headDim }: AttentionShape): ParameterSpec[] => {
      const init = { kind: 'uniform' as const, bound: headDim ** -0.5 };
      const weight = { name: WEIGHT, shape: [heads, features, headDim], init };
      return bias ? [weight, { name: BIAS, shape: [heads, features], init, decay: false }] : [weight];
    },
    query: (x, parameters) => applyMap(x, parameters, act, queryScale(x.shape[3]!)),
    key: (x, parameters) => applyMap(x, parameters, act, 1),
    fusion: {
      activation: act,
      fuse: (weights) =>
        fuseFeatureMap(weights, {
          features,
          weight: weights.parameters[WEIGHT]!,
          bias: weights.parameters[BIAS],
          queryScale: queryScale(weights.shape.headDim),
        }),
    },
  } satisfies FeatureMap;
}

/** T2R attention: linear attention with the learned feature map `phi(x) = activation(W x + b)`. */
export function t2rMlpAttention(options: T2rMlpOptions): Attention {
  const { epsilon, form, chunk } = options;
  return linearAttention({
    name: 't2r-mlp',
    options: { ...options },
    featureMap: t2rFeatureMap(options),
    epsilon,
    form,
    chunk,
    absDenominator: true,
  });
}
