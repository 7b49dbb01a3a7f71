/**
 * Folding an affine feature map into the projections before it (Kasai et al. 2021, Eq. 8): with q = W_q x + b_q,
 * W_phi (s q) + b_phi = (s W_phi W_q) x + (b_phi + s W_phi b_q). It holds because the activation comes after; queries and
 * keys themselves are then never built. Runs on the host, once per model; `foldFeatureMap` (per-head.ts) does it in a graph.
 */
import type { FusableWeights, FusedWeights } from './contract.js';
import { keyHeads } from './groups.js';

/** The affine part of a per-head feature map: W (scale x) + bias. */
export interface AffineMap<T = Float32Array> {
  /** [kvHeads, width, headDim] */
  weight: T;
  /** [kvHeads, width], absent for none. */
  bias?: T;
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
