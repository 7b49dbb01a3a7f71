/** Names of encoder-decoder models in fairseq, which transformers took over below `model.`. */
import { linearRules, type NameRule, normRules } from './names.js';
import { rows, transposed } from './transforms.js';

const ATTENTIONS = {
  encoder: { attention: 'self_attn' },
  decoder: { attention: 'self_attn', cross: 'encoder_attn' },
} as const;
const NORMS = {
  encoder: { norm1: 'self_attn_layer_norm', norm2: 'final_layer_norm' },
  decoder: { norm1: 'self_attn_layer_norm', cross_norm: 'encoder_attn_layer_norm', norm2: 'final_layer_norm' },
} as const;

export interface LayerNames {
  /** What stands before `encoder.` and `decoder.`. */
  prefix: string;
  /** q, k and v in one tensor, `in_proj_weight`, as fairseq stored them at first. */
  packed?: boolean;
  /** Norms by their number in a layer, `layer_norms.0`, as in the first checkpoints of fairseq. */
  numbered?: boolean;
}

/** The rules of both stacks: learned positions, layers, norms before and after them. */
export function stackRules({ prefix, packed = false, numbered = false }: LayerNames): NameRule[] {
  return (['encoder', 'decoder'] as const).flatMap((side) => {
    const [ours, theirs] = [`${side}.layers.{n}`, `${prefix}${side}.layers.{n}`];
    const attentions = Object.entries(ATTENTIONS[side]).flatMap(([own, their]) => [
      ...(packed
        ? ['weight', 'bias'].map(
            (part): NameRule => ({
              ours: ['q', 'k', 'v'].map((name) => `${ours}.${own}.${name}.${part}`),
              theirs: `${theirs}.${their}.in_proj_${part}`,
              as: rows(),
            }),
          )
        : ['q', 'k', 'v'].flatMap((name) =>
            linearRules(`${ours}.${own}.${name}`, `${theirs}.${their}.${name}_proj`, transposed),
          )),
      ...linearRules(`${ours}.${own}.out`, `${theirs}.${their}.out_proj`, transposed),
    ]);
    const norms = Object.entries(NORMS[side]).flatMap(([own, their], i) =>
      normRules(`${ours}.${own}`, numbered ? `${theirs}.layer_norms.${i}.` : `${theirs}.${their}.`),
    );
    return [
      { ours: `${side}.positions.weight`, theirs: `${prefix}${side}.embed_positions.weight` },
      ...normRules(`${side}.embed_norm`, `${prefix}${side}.layernorm_embedding.`),
      ...attentions,
      ...norms,
      ...['fc1', 'fc2'].flatMap((name) => linearRules(`${ours}.${name}`, `${theirs}.${name}`, transposed)),
      ...normRules(`${side}.final_norm`, `${prefix}${side}.layer_norm.`),
    ];
  });
}
