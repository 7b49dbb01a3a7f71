/**
 * Folding an affine feature map into the projections before it (Kasai et al. 2021, Eq. 8): with q = W_q x + b_q,
 * W_phi (s q) + b_phi = (s W_phi W_q) x + (b_phi + s W_phi b_q). It holds because the activation comes after; queries and
 * keys themselves are then never built. Runs on the host, once per model.
 */
import type { FusableWeights, FusedWeights } from './contract.js';

/** The affine part of a per-head feature map: W (scale x) + bias. */
export interface AffineMap {
  /** [heads, width, headDim] */
  weight: Float32Array;
  /** [heads, width], absent for none. */
  bias?: Float32Array;
  scale: number;
}

/** Rows [count, heads * headDim] of a projection (its bias is one row) times scale W -> [count, heads * width]. */
function project(rows: Float32Array, { heads, headDim }: FusableWeights['shape'], { weight, scale }: AffineMap) {
  const width = weight.length / (heads * headDim);
  const count = rows.length / (heads * headDim);
  const out = new Float32Array(count * heads * width);
  for (let row = 0; row < count; row++) {
    for (let head = 0; head < heads; head++) {
      const from = (row * heads + head) * headDim;
      for (let feature = 0; feature < width; feature++) {
        const w = (head * width + feature) * headDim;
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
  const fusedBias = (bias: Float32Array, map: AffineMap) =>
    project(bias, shape, map).map((value, i) => value + (map.bias?.[i] ?? 0));
  return {
    width: query.weight.length / (shape.heads * shape.headDim),
    queryWeight: project(weights.queryWeight, shape, query),
    queryBias: fusedBias(weights.queryBias, query),
    keyWeight: project(weights.keyWeight, shape, key),
    keyBias: fusedBias(weights.keyBias, key),
  };
}
