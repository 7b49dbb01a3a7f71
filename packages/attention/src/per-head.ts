/**
 * Affine maps with weights of their own for every head: what most feature maps are before their activation. Queries and
 * keys share one map, or have one each.
 */
import * as tf from '@tensorflow/tfjs-core';
import type {
  AttentionParameters,
  AttentionShape,
  FeatureMap,
  Initializer,
  ParameterSpec,
  QueryKeyProjections,
} from './contract.js';
import { type AffineMap, fuseFeatureMap } from './fuse.js';
import { groupRows, repeatHeads, ungroupRows } from './groups.js';

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
 * A projection [modelDim, H * d] and its bias with a map folded in, to H * width columns; every W of the map serves H / kvHeads
 * heads in a row.
 */
function foldSide(
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  map: AffineMap<tf.Tensor>,
): [tf.Tensor, tf.Tensor | undefined] {
  const [kvHeads, width, headDim] = map.weight.shape as [number, number, number];
  const [modelDim, columns] = weight.shape as [number, number];
  const heads = columns / headDim;
  const groups = heads / kvHeads;
  // The bias is one row more.
  const rows = bias ? tf.concat([weight, tf.reshape(bias, [1, columns])], 0) : weight;
  const count = rows.shape[0]!;
  const byHead = tf.transpose(tf.reshape(rows, [1, count, heads, headDim]), [0, 2, 1, 3]); // [1,H,count,d]
  const mapped = ungroupRows(perHead(groupRows(byHead, groups), map.weight, { scale: map.scale }), groups);
  const all = tf.reshape(tf.transpose(mapped, [0, 2, 1, 3]), [count, heads * width]);
  const ofMap =
    map.bias && tf.reshape(repeatHeads(tf.reshape(map.bias, [1, kvHeads, 1, width]), groups), [heads * width]);
  if (bias === undefined) return [all, ofMap];
  const [matrix, row] = tf.split(all, [modelDim, 1], 0) as [tf.Tensor, tf.Tensor];
  const own = tf.reshape(row, [heads * width]);
  return [matrix, ofMap ? tf.add(own, ofMap) : own];
}

/** What `fuseFeatureMap` does, in the graph of one layer: the folded projections, differentiable in all that they are made of. */
function foldFeatureMap(
  { queryWeight, queryBias, keyWeight, keyBias }: QueryKeyProjections,
  query: AffineMap<tf.Tensor>,
  key: AffineMap<tf.Tensor>,
): QueryKeyProjections {
  const [q, qBias] = foldSide(queryWeight, queryBias, query);
  const [k, kBias] = foldSide(keyWeight, keyBias, key);
  return { queryWeight: q, queryBias: qBias, keyWeight: k, keyBias: kBias };
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
  /** The affine part of a side's map, from parameters on the host or in a graph. */
  const affine = <T>(side: 'query' | 'key', parameters: Record<string, T>, headDim: number): AffineMap<T> => {
    const name = names(side);
    return { weight: parameters[name.weight]!, bias: parameters[name.bias], scale: scales(scale, headDim)[side] };
  };
  const map = (side: 'query' | 'key') => (x: tf.Tensor, parameters: AttentionParameters) => {
    const { weight, ...rest } = affine(side, parameters, x.shape[3]!);
    return activation(perHead(x, weight, rest));
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
        const of = (side: 'query' | 'key') => affine(side, weights.parameters, weights.shape.headDim);
        return fuseFeatureMap(weights, of('query'), of('key'));
      },
      inGraph: {
        width,
        fold: (projections, parameters) => {
          const headDim = parameters[names('query').weight]!.shape[2]!;
          const of = (side: 'query' | 'key') => affine(side, parameters, headDim);
          return foldFeatureMap(projections, of('query'), of('key'));
        },
      },
    },
  };
}
