/** Cross-attention of one layer: in parallel for training, and with a state made once of the source for decoding. */
import type { Attention, CrossAttention } from '@t2r/attention';
import { UserError } from '@t2r/core';
import type { DropoutSource, TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { attentionShape, projectionWidths } from './architecture.js';
import { mergeHeads, ownParameters, project, type Scope, splitHeads } from './block.js';
import { projectedAttention, projectHeads } from './projections.js';
import type { EncodedSource } from './translation-types.js';
import type { LmConfig } from './types.js';

/** A variant that a layer can use for cross-attention. */
export type CrossVariant = Attention & Required<Pick<Attention, 'cross'>>;

/** @throws UserError where the variant belongs to one sequence */
export function crossVariant(attention: Attention): CrossVariant {
  const { name, cross } = attention;
  if (cross !== undefined) return { ...attention, cross };
  throw new UserError(`cross: ${name} with these options has no cross-attention`, {
    hint: 'Use for example softmax, t2r-mlp, elu, random-feature, favor or hedgehog, without a gate.',
  });
}

type FusedCross = CrossAttention & Required<Pick<CrossAttention, 'fusedPrepare' | 'fusedRead'>>;
export type FusableCross = Attention & Required<Pick<Attention, 'fuse'>> & { cross: FusedCross };

/** True where the variant folds into the projections; it then has no parameters of its own left in decoding. */
export function fusesCross(attention: Attention): attention is FusableCross {
  const { fuse, cross } = attention;
  return fuse !== undefined && cross?.fusedPrepare !== undefined && cross.fusedRead !== undefined;
}

/** Keys and values [B,kvHeads,S,.] from rows [B,S,keys' width | values' width]. */
function splitKeysValues(packed: tf.Tensor, config: LmConfig): [tf.Tensor, tf.Tensor] {
  const { heads, kvHeads = heads } = attentionShape(config);
  const { key: values } = projectionWidths(config);
  const parts = tf.split(packed, [packed.shape[2]! - values, values], 2);
  return parts.map((part) => splitHeads(part, kvHeads)) as [tf.Tensor, tf.Tensor];
}

/** In parallel: x [B,T,dim] reads the source -> [B,T,dim]. */
export function crossAttend(
  x: tf.Tensor,
  get: Scope,
  attention: Attention,
  config: LmConfig,
  { memory, mask }: EncodedSource,
  source?: DropoutSource,
): tf.Tensor {
  const rowsOf = ({ shape }: tf.Tensor) => shape[0]! * shape[1]!;
  const rows = (rowsOf(x) + rowsOf(memory)) / 2;
  const { query, key, value, parameters, mix } = projectedAttention(attention, config, get, { place: 'cross', rows });
  const [q] = projectHeads(x, [query]) as [tf.Tensor]; // [B,H,T,d]
  const [k, v] = projectHeads(memory, [key, value]) as [tf.Tensor, tf.Tensor]; // [B,kvHeads,S,d]
  const { attentionDropout: rate } = config;
  const mixed = mix(q, k, v, parameters, {
    causal: false,
    keyMask: mask,
    dropout: source && rate > 0 ? { source, rate } : undefined,
    random: source,
  });
  return project(mergeHeads(mixed), get, 'cross.out');
}

/** The state of one layer's cross-attention, with the weights of `stepWeights`. */
export function prepareCross(
  { memory, mask }: EncodedSource,
  get: Scope,
  attention: CrossVariant,
  config: LmConfig,
): TensorMap {
  const [k, v] = splitKeysValues(project(memory, get, 'cross.kv'), config);
  return fusesCross(attention)
    ? attention.cross.fusedPrepare(k, v, mask)
    : attention.cross.prepare(k, v, mask, ownParameters(attention, config, get, 'cross'));
}

/**
 * With a state of the source and the weights of `stepWeights`: x [B,T,dim] -> [B,T,dim]. A state of fewer rows serves
 * several rows of x each, one after the other: queries do not see each other, so that they are further positions.
 */
export function readCross(
  x: tf.Tensor,
  get: Scope,
  attention: CrossVariant,
  config: LmConfig,
  state: TensorMap,
): tf.Tensor {
  const rows = Object.values(state)[0]!.shape[0]!;
  const queries = tf.reshape(x, [rows, -1, x.shape[2]!]); // [rows,B/rows*T,dim]
  const q = splitHeads(project(queries, get, 'cross.q'), config.heads); // [rows,H,B/rows*T,d or width]
  const output = fusesCross(attention)
    ? attention.cross.fusedRead(q, state)
    : attention.cross.read(q, state, ownParameters(attention, config, get, 'cross'));
  return tf.reshape(project(mergeHeads(output), get, 'cross.out'), x.shape);
}
