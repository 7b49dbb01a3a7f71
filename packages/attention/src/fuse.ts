/**
 * Folding an affine feature map into the projections before it (Kasai et al. 2021, Eq. 8): with q = W_q x + b_q,
 * W_phi (s q) + b_phi = (s W_phi W_q) x + (b_phi + s W_phi b_q). It holds because the activation comes after; queries and
 * keys themselves are then never built. Runs on the host, once per model.
 */
import type { FusableWeights, FusedWeights } from './contract.js';

/** The affine part of a per-head feature map. */
export interface AffineMap {
  features: number;
  /** [heads, features, headDim] */
  weight: Float32Array;
  /** [heads, features], absent for none. */
  bias?: Float32Array;
  /** Factor on queries (not keys) before the map. */
  queryScale: number;
}

/** One projection [modelDim, heads * headDim] to [modelDim, heads * features]; `rows` is also used for the bias, as one row. */
function project(
  rows: Float32Array,
  count: number,
  { heads, headDim }: FusableWeights['shape'],
  map: AffineMap,
  scale: number,
) {
  const { features, weight } = map;
  const out = new Float32Array(count * heads * features);
  for (let row = 0; row < count; row++) {
    for (let head = 0; head < heads; head++) {
      const from = (row * heads + head) * headDim;
      for (let feature = 0; feature < features; feature++) {
        const w = (head * features + feature) * headDim;
        // A double sum: fused and unfused forms then differ by the rounding of the unfused one only.
        let sum = 0;
        for (let i = 0; i < headDim; i++) sum += weight[w + i]! * rows[from + i]!;
        out[(row * heads + head) * features + feature] = scale * sum;
      }
    }
  }
  return out;
}

/** The fused projections and biases of one layer. */
export function fuseFeatureMap(weights: FusableWeights, map: AffineMap): FusedWeights {
  const { shape, modelDim } = weights;
  const fusedBias = (bias: Float32Array, scale: number) =>
    project(bias, 1, shape, map, scale).map((value, i) => value + (map.bias?.[i] ?? 0));
  return {
    features: map.features,
    queryWeight: project(weights.queryWeight, modelDim, shape, map, map.queryScale),
    queryBias: fusedBias(weights.queryBias, map.queryScale),
    keyWeight: project(weights.keyWeight, modelDim, shape, map, 1),
    keyBias: fusedBias(weights.keyBias, 1),
  };
}
