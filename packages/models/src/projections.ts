/**
 * Projections to queries, keys and values in training, with the feature map folded in (Kasai et al. 2021, Eq. 8) where that is
 * less work: q = W_q x is read by W_phi alone, and W_phi W_q x has as many columns as there are features.
 */
import type { Attention, AttentionParameters, Folding } from '@t2r/attention';
import { linear } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { attentionShape } from './architecture.js';
import { ownParameters, type Scope, splitHeads } from './block.js';
import type { LmConfig } from './types.js';

export interface Projection {
  /** [dim, columns] */
  weight: tf.Tensor;
  /** [columns], absent for none. */
  bias?: tf.Tensor;
  /** That the columns belong to, in equal parts. */
  heads: number;
}

/** The projections of one attention, and the attention to what they give. */
export interface ProjectedAttention {
  query: Projection;
  key: Projection;
  value: Projection;
  parameters: AttentionParameters;
  mix: Attention['parallel'];
}

/**
 * Whether folding saves operations with `rows` positions. Of one head, projection and map take dim * d + d * width for each
 * of them; folded, dim * width, and once dim * d * width to fold.
 */
function pays(folding: Folding, config: LmConfig, rows: number): boolean {
  const { headDim } = attentionShape(config);
  const width = folding.width(headDim);
  return width * config.dim * (rows + headDim) < rows * headDim * (config.dim + width);
}

/** True where nothing stands between projections and feature map: rotary positions of queries and keys would. */
export const mapFollowsProjection = (attention: Attention, { positions }: LmConfig): boolean =>
  positions !== 'rotary' || attention.rotatesFeatures === true;

/**
 * What attention at `place` ("attention") projects with.
 *
 * @param rows positions that queries are made of, or keys
 * @param whole queries and keys themselves are wanted
 */
export function projectedAttention(
  attention: Attention,
  config: LmConfig,
  get: Scope,
  { place, rows, whole = false }: { place: string; rows: number; whole?: boolean },
): ProjectedAttention {
  const { heads, kvHeads = heads } = attentionShape(config);
  const named = (name: string, ofHeads: number): Projection => ({
    weight: get(`${place}.${name}.weight`),
    bias: get(`${place}.${name}.bias`) as tf.Tensor | undefined,
    heads: ofHeads,
  });
  const parameters = ownParameters(attention, config, get, place);
  const [query, key, value] = [named('q', heads), named('k', kvHeads), named('v', kvHeads)];
  const { folding } = attention;
  if (whole || !folding || !mapFollowsProjection(attention, config) || !pays(folding, config, rows))
    return { query, key, value, parameters, mix: (...given) => attention.parallel(...given) };
  const folded = folding.fold(
    { queryWeight: query.weight, queryBias: query.bias, keyWeight: key.weight, keyBias: key.bias },
    parameters,
  );
  return {
    query: { weight: folded.queryWeight, bias: folded.queryBias, heads },
    key: { weight: folded.keyWeight, bias: folded.keyBias, heads: kvHeads },
    value,
    parameters,
    mix: (...given) => folding.parallel(...given),
  };
}

/**
 * x [B,T,dim] by several projections, to [B,heads_i,T,.] each. One product with the matrices side
 * by side is a third faster than three products, backward too.
 */
export function projectHeads(x: tf.Tensor, projections: readonly Projection[]): tf.Tensor[] {
  const columns = projections.map(({ weight }) => weight.shape[1]!);
  // Folded projections may have biases where others have none.
  const biased = projections.some(({ bias }) => bias !== undefined);
  const biases = projections.map(({ bias }, i) => bias ?? tf.zeros([columns[i]!]));
  const weight = tf.concat(
    projections.map((projection) => projection.weight),
    1,
  );
  const packed = linear(x, weight, biased ? tf.concat(biases, 0) : undefined); // [B,T,sum of columns]
  const parts = columns.length === 1 ? [packed] : tf.split(packed, columns, 2);
  return parts.map((part, i) => splitHeads(part, projections[i]!.heads));
}
