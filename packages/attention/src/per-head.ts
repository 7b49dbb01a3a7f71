/**
 * Affine maps with weights of their own for every head: what most feature maps are before their activation. Queries and
 * keys share one map, or have one each.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { AttentionParameters, AttentionShape, FeatureMap, Initializer, ParameterSpec } from './contract.js';
import { foldFeatureMap, fuseFeatureMap } from './fuse.js';

/** x [B,H,T,d] -> scale * x W^T + bias, [B,H,T,width], with weight [H,width,d] and bias [H,width]. */
export function perHead(
  x: tf.Tensor,
  weight: tf.Tensor,
  { scale = 1, bias }: { scale?: number; bias?: tf.Tensor } = {},
) {
  const [heads, width, headDim] = weight.shape as [number, number, number];
  // Scaling W is scaling x, on far fewer numbers. Adding zeros repeats W along the batch: unlike a broadcast inside
  // matMul, its gradient sums over the batch again.
  const scaled = tf.reshape(scale === 1 ? weight : tf.mul(weight, scale), [1, heads, width, headDim]);
  const repeated = tf.add(scaled, tf.zeros([x.shape[0]!, 1, 1, 1])); // [B,H,width,d]
  const product = tf.matMul(x, repeated, false, true); // [B,H,T,width]
  return bias ? tf.add(product, tf.reshape(bias, [1, heads, 1, width])) : product;
}

/**
 * Where the 1 / sqrt(d) of softmax attention goes: `query` multiplies queries by d^-0.5, `both` queries and keys by
 * d^-0.25, `none` neither.
 */
export type ScaleSide = 'query' | 'both' | 'none';

/** Factors on queries and keys before their maps. */
export function scales(side: ScaleSide, headDim: number): { query: number; key: number } {
  if (side === 'both') return { query: headDim ** -0.25, key: headDim ** -0.25 };
  return { query: side === 'query' ? headDim ** -0.5 : 1, key: 1 };
}

export interface AffineFeatureMapOptions {
  /** Rows of W in a head of width headDim. */
  width(headDim: number): number;
  /** Features per head, after the activation. */
  features(headDim: number): number;
  /** Pre-activations [B,H,T,width] -> features [B,H,T,features]. */
  activation(x: tf.Tensor): tf.Tensor;
  bias: boolean;
  /** One map for queries and keys. */
  shared: boolean;
  scale: ScaleSide;
  init(headDim: number): { weight: Initializer; bias: Initializer };
}

/** phi(x) = activation(W x + b) of every head, foldable into the projections before it. */
export function affineFeatureMap({
  width,
  features,
  activation,
  bias,
  shared,
  scale,
  init,
}: AffineFeatureMapOptions): FeatureMap {
  const names = (side: 'query' | 'key') => {
    const prefix = shared ? 'phi' : `phi.${side}`;
    return { weight: `${prefix}.weight`, bias: `${prefix}.bias` };
  };
  const map = (side: 'query' | 'key') => (x: tf.Tensor, parameters: AttentionParameters) => {
    const name = names(side);
    const factor = scales(scale, x.shape[3]!)[side];
    return activation(perHead(x, parameters[name.weight]!, { scale: factor, bias: parameters[name.bias] }));
  };
  /** The affine part of a side's map, from parameters on the host or in a graph. */
  const affine =
    <T>(parameters: Record<string, T>, headDim: number) =>
    (side: 'query' | 'key') => {
      const name = names(side);
      return {
        weight: parameters[name.weight]!,
        bias: parameters[name.bias] as T | undefined,
        scale: scales(scale, headDim)[side],
      };
    };
  return {
    features,
    parameters: ({ heads, headDim }: AttentionShape): ParameterSpec[] => {
      const rows = width(headDim);
      const start = init(headDim);
      return (shared ? (['query'] as const) : (['query', 'key'] as const)).flatMap((side) => {
        const name = names(side);
        const weight = { name: name.weight, shape: [heads, rows, headDim], init: start.weight };
        return bias ? [weight, { name: name.bias, shape: [heads, rows], init: start.bias, decay: false }] : [weight];
      });
    },
    query: map('query'),
    key: map('key'),
    fusion: {
      activation,
      fuse: (weights) => {
        const of = affine(weights.parameters, weights.shape.headDim);
        return fuseFeatureMap(weights, of('query'), of('key'));
      },
      inGraph: {
        width,
        fold: (projections, parameters) => {
          const of = affine(parameters, parameters[names('query').weight]!.shape[2]!);
          return foldFeatureMap(projections, of('query'), of('key'));
        },
      },
    },
  };
}
