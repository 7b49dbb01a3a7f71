/**
 * Weights for decoding: one matrix for q, k and v of a layer, with the feature map folded in (Kasai et al. 2021, Eq. 8) and,
 * where a linear attention takes [v | 1], a column of ones for every head of v.
 */
import type { Attention } from '@t2r/attention';
import { attentionShape, projectionWidths } from './architecture.js';
import { fusesCross } from './cross-attention.js';
import { decoderLmParameters } from './parameters.js';
import { mapFollowsProjection } from './projections.js';
import type { LmConfig, Weights } from './types.js';

export type FusableAttention = Attention & Required<Pick<Attention, 'fuse' | 'fusedStep' | 'fusedPrefill'>>;

/** True where the variant folds into the projections; it then has no parameters of its own left in decoding. */
export function fuses(attention: Attention, config: LmConfig): attention is FusableAttention {
  if (!mapFollowsProjection(attention, config)) return false;
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

interface Projection {
  /** [dim, width], row-major. */
  weight: Float32Array;
  /** [width] */
  bias: Float32Array;
}

/** A projection to heads of `width` columns each -> to width + 1, the last of which is 1 whatever the input. */
function appendOnes({ weight, bias }: Projection, heads: number): Projection {
  const rows = (weight.length / bias.length) * heads; // A row of one head.
  return {
    weight: concatColumns([weight, new Float32Array(rows)], rows),
    bias: concatColumns([bias, new Float32Array(heads).fill(1)], heads),
  };
}

/** An attention of one layer, and how its projections are packed. */
interface Place {
  /** `layers.0.attention` */
  prefix: string;
  variant: Attention;
  /** Whether the feature map is folded in. */
  fused: boolean;
  /** Whether values are [v | 1]. */
  ones: boolean;
  /** Matrices of decoding, and the projections that stand in them side by side. */
  packs: Record<string, readonly ('q' | 'k' | 'v')[]>;
}

/** The projections of one attention, with the feature map folded in where that is wanted. */
function projectionsOf(
  { prefix, variant, fused, ones }: Place,
  config: LmConfig,
  parameters: Record<string, Float32Array>,
): Record<'q' | 'k' | 'v', Projection> {
  const { query, key } = projectionWidths(config);
  const at = (name: string) => parameters[`${prefix}.${name}`];
  // Folded feature maps have biases where projections have none.
  const of = (name: string, width: number) => ({
    weight: at(`${name}.weight`)!,
    bias: at(`${name}.bias`) ?? new Float32Array(width),
  });
  const plain = { q: of('q', query), k: of('k', key), v: of('v', key) };
  if (!fused) return plain;
  const shape = attentionShape(config);
  const folded = variant.fuse!({
    shape,
    modelDim: config.dim,
    queryWeight: plain.q.weight,
    queryBias: plain.q.bias,
    keyWeight: plain.k.weight,
    keyBias: plain.k.bias,
    parameters: Object.fromEntries(variant.parameters(shape).map(({ name }) => [name, at(name)!])),
  });
  return {
    q: { weight: folded.queryWeight, bias: folded.queryBias },
    k: { weight: folded.keyWeight, bias: folded.keyBias },
    v: ones ? appendOnes(plain.v, shape.kvHeads!) : plain.v,
  };
}

/** Replaces the projections of one attention (and what folds into them) by the packed ones. */
function pack(weights: Weights, place: Place, config: LmConfig, parameters: Record<string, Float32Array>): void {
  const { prefix, variant, fused, packs } = place;
  const { dim } = config;
  const projections = projectionsOf(place, config, parameters);
  const folded = fused ? variant.parameters(attentionShape(config)).map(({ name }) => name) : [];
  for (const name of folded) delete weights[`${prefix}.${name}`];
  for (const name of ['q', 'k', 'v'])
    for (const part of ['weight', 'bias']) delete weights[`${prefix}.${name}.${part}`];
  for (const [name, parts] of Object.entries(packs)) {
    const side = parts.map((part) => projections[part]);
    const weight = concatColumns(
      side.map((part) => part.weight),
      dim,
    );
    const bias = concatColumns(
      side.map((part) => part.bias),
      1,
    );
    weights[`${prefix}.${name}.weight`] = { shape: [dim, bias.length], data: weight };
    weights[`${prefix}.${name}.bias`] = { shape: [bias.length], data: bias };
  }
}

/**
 * Replaces each layer's q, k and v (and what folds into them) by `layers.N.attention.qkv.{weight,bias}`, and those of
 * cross-attention, where there is some, by `layers.N.cross.q` and `layers.N.cross.kv`: they multiply different sequences.
 */
export function stepWeights(
  config: LmConfig,
  attention: readonly Attention[],
  parameters: Record<string, Float32Array>,
  cross: readonly Attention[] = [],
): Weights {
  const specs = decoderLmParameters(config, attention, cross.length > 0 ? cross : undefined);
  const weights: Weights = Object.fromEntries(
    specs.map(({ name, shape }) => [name, { shape, data: parameters[name]! }]),
  );
  const places: Place[] = [
    ...attention.map((variant, n) => ({
      prefix: `layers.${n}.attention`,
      variant,
      fused: fuses(variant, config),
      ones: variant.fusedOnes === true,
      packs: { qkv: ['q', 'k', 'v'] as const },
    })),
    ...cross.map((variant, n) => ({
      prefix: `layers.${n}.cross`,
      variant,
      fused: fusesCross(variant),
      ones: false,
      packs: { q: ['q'] as const, kv: ['k', 'v'] as const },
    })),
  ];
  for (const place of places) pack(weights, place, config, parameters);
  return weights;
}
