/**
 * Folding an affine feature map into the projections before it (Kasai et al. 2021, Eq. 8): with q = W_q x + b_q,
 * W_phi (s q) + b_phi = (s W_phi W_q) x + (b_phi + s W_phi b_q). It holds because the activation comes after; queries and
 * keys themselves are then never built. For decoding on the host, once per model; for training in the graph, in every pass.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { FusableWeights, FusedWeights, QueryKeyProjections } from './contract.js';
import { keyHeads } from './groups.js';

/** The affine part of a per-head feature map: W (scale x) + bias. */
export interface AffineMap {
  /** [kvHeads, width, headDim] */
  weight: Float32Array;
  /** [kvHeads, width], absent for none. */
  bias?: Float32Array;
  scale: number;
}

/**
 * Rows [count, heads * headDim] of a projection (its bias is one row) times scale W -> [count, heads * width]; every W serves
 * heads / kvHeads heads in a row.
 */
function project(
  rows: Float32Array,
  { heads, headDim }: FusableWeights['shape'],
  kvHeads: number,
  { weight, scale }: AffineMap,
): Float32Array {
  const width = weight.length / (kvHeads * headDim);
  const count = rows.length / (heads * headDim);
  const out = new Float32Array(count * heads * width);
  for (let row = 0; row < count; row++) {
    for (let head = 0; head < heads; head++) {
      const from = (row * heads + head) * headDim;
      const map = Math.floor((head * kvHeads) / heads);
      for (let feature = 0; feature < width; feature++) {
        const w = (map * width + feature) * headDim;
        // A double sum: fused and unfused forms then differ by the rounding of the unfused one only.
        let sum = 0;
        for (let i = 0; i < headDim; i++) sum += weight[w + i]! * rows[from + i]!;
        out[(row * heads + head) * width + feature] = scale * sum;
      }
    }
  }
  return out;
}

/** The fused projections and biases of one layer, from the maps of its queries and of its keys. */
export function fuseFeatureMap(weights: FusableWeights, query: AffineMap, key: AffineMap): FusedWeights {
  const { shape } = weights;
  const kvHeads = keyHeads(shape);
  const fused = (heads: number, weight: Float32Array, bias: Float32Array, map: AffineMap) => {
    const folded = project(bias, { ...shape, heads }, kvHeads, map);
    const width = folded.length / heads;
    const own = (i: number) => map.bias?.[Math.floor((Math.floor(i / width) * kvHeads) / heads) * width + (i % width)];
    return {
      weight: project(weight, { ...shape, heads }, kvHeads, map),
      bias: folded.map((value, i) => value + (own(i) ?? 0)),
    };
  };
  const q = fused(shape.heads, weights.queryWeight, weights.queryBias, query);
  const k = fused(kvHeads, weights.keyWeight, weights.keyBias, key);
  return {
    width: query.weight.length / (kvHeads * shape.headDim),
    queryWeight: q.weight,
    queryBias: q.bias,
    keyWeight: k.weight,
    keyBias: k.bias,
  };
}

/** The affine part of a per-head feature map as tensors of a graph. */
export interface AffineTensors {
  /** [kvHeads, width, headDim] */
  weight: tf.Tensor;
  /** [kvHeads, width], absent for none. */
  bias?: tf.Tensor;
  scale: number;
}

/** A projection [modelDim, H * headDim] and its bias times scale W, + the map's bias; every W serves H / kvHeads heads in a row. */
function foldSide(
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  map: AffineTensors,
): [tf.Tensor, tf.Tensor | undefined] {
  const [kvHeads, width, headDim] = map.weight.shape as [number, number, number];
  const [modelDim, columns] = weight.shape as [number, number];
  const heads = columns / headDim;
  const groups = heads / kvHeads;
  // The bias is one row more.
  const rows = bias ? tf.concat([weight, tf.reshape(bias, [1, columns])], 0) : weight;
  const count = rows.shape[0]!;
  const byHead = tf.transpose(tf.reshape(rows, [count, kvHeads, groups * headDim]), [1, 0, 2]); // [kvHeads, count, groups * d]
  const scaled = map.scale === 1 ? map.weight : tf.mul(map.weight, map.scale);
  const product = tf.matMul(tf.reshape(byHead, [kvHeads, count * groups, headDim]), scaled, false, true);
  const folded = tf.transpose(tf.reshape(product, [kvHeads, count, groups * width]), [1, 0, 2]);
  const all = tf.reshape(folded, [count, heads * width]);
  const ofMap =
    map.bias &&
    tf.reshape(tf.add(tf.reshape(map.bias, [kvHeads, 1, width]), tf.zeros([kvHeads, groups, width])), [heads * width]);
  if (bias === undefined) return [all, ofMap];
  const [matrix, row] = tf.split(all, [modelDim, 1], 0) as [tf.Tensor, tf.Tensor];
  const own = tf.reshape(row, [heads * width]);
  return [matrix, ofMap ? tf.add(own, ofMap) : own];
}

/** The folded projections of one layer in its graph, from the maps of its queries and of its keys. Differentiable in all of them. */
export function foldFeatureMap(
  { queryWeight, queryBias, keyWeight, keyBias }: QueryKeyProjections,
  query: AffineTensors,
  key: AffineTensors,
): QueryKeyProjections {
  const [q, qBias] = foldSide(queryWeight, queryBias, query);
  const [k, kBias] = foldSide(keyWeight, keyBias, key);
  return { queryWeight: q, queryBias: qBias, keyWeight: k, keyBias: kBias };
}
