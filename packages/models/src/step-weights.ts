/** Weights for decoding: one matrix for q, k and v of a layer, with the feature map folded in (Kasai et al. 2021, Eq. 8). */
import type { Attention } from '@t2r/attention';
import { attentionShape, projectionWidths } from './architecture.js';
import { decoderLmParameters } from './parameters.js';
import type { LmConfig, Weights } from './types.js';

export type FusableAttention = Attention & Required<Pick<Attention, 'fuse' | 'fusedStep' | 'fusedPrefill'>>;

/**
 * True where the variant folds into the projections; it then has no parameters of its own left in decoding. Rotated queries
 * and keys cannot: the rotation stands between projection and feature map, and differs from position to position.
 */
export function fuses(attention: Attention, { positions }: LmConfig): attention is FusableAttention {
  if (positions === 'rotary' && !attention.rotatesFeatures) return false;
  return attention.fuse !== undefined && attention.fusedStep !== undefined && attention.fusedPrefill !== undefined;
}

/** Matrices [rows, width_i] side by side, [rows, sum of widths]. */
function concatColumns(parts: readonly Float32Array[], rows: number): Float32Array {
  const widths = parts.map((part) => part.length / rows);
  const total = widths.reduce((sum, width) => sum + width, 0);
  const out = new Float32Array(rows * total);
  for (let row = 0; row < rows; row++) {
    let at = row * total;
    for (const [i, part] of parts.entries()) {
      const width = widths[i]!;
      out.set(part.subarray(row * width, (row + 1) * width), at);
      at += width;
    }
  }
  return out;
}

/** The layer's q and k projections, fused where the variant can: weights and biases in the order q, k. */
function queryAndKey(
  get: (name: string) => Float32Array,
  attention: Attention,
  config: LmConfig,
): { weights: [Float32Array, Float32Array]; biases: [Float32Array, Float32Array] } {
  const weights: [Float32Array, Float32Array] = [get('q.weight'), get('k.weight')];
  const biases: [Float32Array, Float32Array] = [get('q.bias'), get('k.bias')];
  if (!fuses(attention, config)) return { weights, biases };
  const shape = attentionShape(config);
  const fused = attention.fuse({
    shape,
    modelDim: config.dim,
    queryWeight: weights[0],
    queryBias: biases[0],
    keyWeight: weights[1],
    keyBias: biases[1],
    parameters: Object.fromEntries(attention.parameters(shape).map(({ name }) => [name, get(name)])),
  });
  return { weights: [fused.queryWeight, fused.keyWeight], biases: [fused.queryBias, fused.keyBias] };
}

/** Replaces each layer's q, k and v (and what folds into them) by `layers.N.attention.qkv.{weight,bias}`. */
export function stepWeights(
  config: LmConfig,
  attention: readonly Attention[],
  parameters: Record<string, Float32Array>,
): Weights {
  const { dim } = config;
  const { query, key } = projectionWidths(config);
  const widths: Record<string, number> = { 'q.bias': query, 'k.bias': key, 'v.bias': key };
  const weights: Weights = Object.fromEntries(
    decoderLmParameters(config, attention).map(({ name, shape }) => [name, { shape, data: parameters[name]! }]),
  );
  attention.forEach((variant, n) => {
    const prefix = `layers.${n}.attention`;
    // Folded feature maps have biases where projections have none.
    const get = (name: string) => parameters[`${prefix}.${name}`] ?? new Float32Array(widths[name]!);
    const { weights: qk, biases } = queryAndKey(get, variant, config);
    const folded = fuses(variant, config) ? variant.parameters(attentionShape(config)).map(({ name }) => name) : [];
    for (const name of folded) delete weights[`${prefix}.${name}`];
    for (const name of ['q', 'k', 'v'])
      for (const part of ['weight', 'bias']) delete weights[`${prefix}.${name}.${part}`];
    const weight = concatColumns([...qk, get('v.weight')], dim);
    const bias = concatColumns([...biases, get('v.bias')], 1);
    weights[`${prefix}.qkv.weight`] = { shape: [dim, bias.length], data: weight };
    weights[`${prefix}.qkv.bias`] = { shape: [bias.length], data: bias };
  });
  return weights;
}
