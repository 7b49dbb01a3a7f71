/**
 * Softmax attention (Vaswani et al. 2017, Eq. 1): softmax(q k^T / sqrt(d)) v. Its recurrent state is the cache of all keys
 * and values so far, which grows with the text: what T2R is measured against.
 */
import { defineComponent } from '@t2r/core';
import { causalAttention, causalSoftmax } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type {
  Attention,
  AttentionParameters,
  CrossAttention,
  ParallelOptions,
  RecurrentOptions,
  RecurrentResult,
} from './contract.js';
import { groupRows, groupsOf, keyHeads, repeatRows, ungroupRows } from './groups.js';
import { firstPositions, lowerTriangle, maskScores, perSequence } from './masks.js';

/** `{ use: softmax }` */
export const softmaxSchema = z.strictObject({});

/** q [..., T, d], k [..., S, d] -> scores [..., T, S]. */
export function scaledScores(q: tf.Tensor, k: tf.Tensor): tf.Tensor {
  return tf.matMul(tf.mul(q, q.shape[q.rank - 1]! ** -0.5), k, false, true);
}

function parallel(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  _parameters: AttentionParameters,
  { causal, keyMask, dropout }: ParallelOptions,
): tf.Tensor {
  if (causal && !keyMask) return causalAttention(q, k, v, dropout);
  const groups = groupsOf(q, k);
  const all = scaledScores(groupRows(q, groups), k); // [B,H,T,S]; with groups [B,kvHeads,groups * T,S]
  const scores = keyMask ? maskScores(all, tf.reshape(keyMask, [keyMask.shape[0]!, 1, 1, -1])) : all;
  const weights = causal ? causalSoftmax(scores, groups) : tf.softmax(scores); // [B,H,T,S]
  return ungroupRows(tf.matMul(dropout ? dropout.source.dropout(weights, dropout.rate) : weights, v), groups);
}

/**
 * New positions on top of the cache: one softmax over the cached positions before `position` and the new ones up to each
 * query. Right padding needs no mask: real queries do not see it, and its rows in the cache lie at or beyond the next
 * `position`, where they stay masked until they are overwritten. The cache must have room for all given positions.
 */
function prefill(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  { k: cachedKeys, v: cachedValues }: Record<string, tf.Tensor>,
  _parameters: AttentionParameters,
  { position, positionInput }: RecurrentOptions,
): RecurrentResult {
  const time = q.shape[2]!;
  const groups = groupsOf(q, k);
  const rows = groupRows(q, groups);
  const [batch, heads, queries] = rows.shape as [number, number, number]; // [B,H,T]; with groups [B,kvHeads,groups * T]
  const capacity = cachedKeys!.shape[2]!;
  const filled = tf.reshape(firstPositions(capacity, perSequence(position)), [-1, 1, 1, capacity]);
  const before = maskScores(scaledScores(rows, cachedKeys!), filled); // [B,H,T,C]
  const among = scaledScores(rows, k); // [B,H,T,T]
  const mask = () => repeatRows(lowerTriangle(time), groups);
  const weights = tf.softmax(tf.concat([before, time === 1 ? among : maskScores(among, mask())], 3));
  const part = (start: number, size: number) => tf.slice(weights, [0, 0, 0, start], [batch, heads, queries, size]);
  const output = tf.add(tf.matMul(part(0, capacity), cachedValues!), tf.matMul(part(capacity, time), v)); // [B,H,T,d]
  return {
    output: ungroupRows(output, groups),
    state: { k: { rows: k, axis: 2, at: positionInput }, v: { rows: v, axis: 2, at: positionInput } },
  };
}

/** Keys and values of the other sequence are kept as they are, with its mask. */
const cross: CrossAttention = {
  state: (shape, batch, length) => [
    ...['k', 'v'].map((name) => ({ name, shape: [batch, keyHeads(shape), length, shape.headDim] })),
    { name: 'mask', shape: [batch, length] },
  ],
  prepare: (k, v, keyMask) => ({ k, v, mask: keyMask }),
  read: (q, { k, v, mask }) => parallel(q, k!, v!, {}, { causal: false, keyMask: mask }),
};

/** Softmax attention with a growing key/value cache. It has no parameters and no options. */
export function softmaxAttention(): Attention {
  return {
    name: 'softmax',
    options: {},
    recurrent: false,
    parameters: () => [],
    parallel,
    cross,
    state: (shape, batch, capacity) =>
      ['k', 'v'].map((name) => ({ name, shape: [batch, keyHeads(shape), capacity, shape.headDim], grows: true })),
    step: prefill,
    prefill,
  };
}

export const softmax = defineComponent({
  kind: 'attention',
  name: 'softmax',
  description: 'Softmax attention with a key/value cache that grows with the text.',
  schema: softmaxSchema,
  create: softmaxAttention,
});
