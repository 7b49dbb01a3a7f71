/**
 * Softmax attention over a sliding window (Beltagy et al. 2020, arXiv 2004.05150, section 3.1, causal): position t attends
 * to the last `window` keys, t - window + 1 ... t,
 *
 *     y_t = sum_s softmax_s(q_t k_s / sqrt(d)) v_s
 *
 * Its recurrent state is the last `window` keys and values: of fixed size, and exact.
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, AttentionParameters, ParallelOptions, RecurrentOptions, RecurrentResult } from './contract.js';
import { groupsOf, keyHeads, repeatHeads } from './groups.js';
import { nextBuffer, realBuffered, realKeys, refuseCrossAttention, windowScores } from './window.js';

/** `{ use: softmax-window, window: 64 }` */
export const softmaxWindowSchema = z.strictObject({
  window: z.int().min(1).default(64).describe('Keys that a position attends to, its own among them.'),
});

/** Validated options of the `softmax-window` component. */
export type SoftmaxWindowOptions = z.output<typeof softmaxWindowSchema>;

const NAME = 'softmax-window';

/** Softmax attention over the last `window` keys. It has no parameters. */
export function softmaxWindowAttention({ window }: SoftmaxWindowOptions): Attention {
  function parallel(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    _parameters: AttentionParameters,
    { causal, keyMask, dropout }: ParallelOptions,
  ): tf.Tensor {
    if (!causal) refuseCrossAttention(NAME);
    const [batch, heads, time, headDim] = q.shape as [number, number, number, number];
    const before = Math.min(window, time);
    const none = tf.zeros([batch, heads, before, headDim]);
    const groups = groupsOf(q, k);
    const filled = (x: tf.Tensor) => tf.concat([none, repeatHeads(x, groups)], 2); // [B,H,before + T,d]
    const { scores, mix } = windowScores(q, filled(k), realKeys(q, before, keyMask));
    const weights = tf.softmax(scores);
    return mix(dropout ? dropout.source.dropout(weights, dropout.rate) : weights, filled(v));
  }

  /** Right padding needs no mask: real queries do not see it, and it does not enter the buffer. */
  function prefill(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    before: Record<string, tf.Tensor>,
    _parameters: AttentionParameters,
    { position, count }: RecurrentOptions,
  ): RecurrentResult {
    const keys = tf.concat([before.k!, k], 2); // [B,kvHeads,window + T,d]
    const values = tf.concat([before.v!, v], 2);
    const groups = groupsOf(q, k);
    const { scores, mix } = windowScores(q, repeatHeads(keys, groups), realBuffered(q, window, position));
    return {
      output: mix(tf.softmax(scores), repeatHeads(values, groups)),
      state: { k: nextBuffer(keys, window, count), v: nextBuffer(values, window, count) },
    };
  }

  return {
    name: NAME,
    options: { window },
    recurrent: true,
    parameters: () => [],
    parallel,
    state: (shape, batch) =>
      ['k', 'v'].map((name) => ({ name, shape: [batch, keyHeads(shape), window, shape.headDim] })),
    step: prefill,
    prefill,
  };
}

export const softmaxWindow = defineComponent({
  kind: 'attention',
  name: NAME,
  description: 'Softmax attention over the last keys only; a state of fixed size.',
  schema: softmaxWindowSchema,
  create: softmaxWindowAttention,
});
