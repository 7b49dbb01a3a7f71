/**
 * Softmax over the last keys and linear attention over older ones, with one denominator: the hybrid of LoLCATs (Zhang et
 * al. 2024, arXiv 2410.10254, section 3),
 *
 *     y_t = (g sum_{s > t-w} e_ts v_s + a phi(q_t) S_{t-w}) / (g sum_{s > t-w} e_ts + a phi(q_t) z_{t-w})
 *     e_ts = exp(q_t k_s / sqrt(d) - max_{s > t-w} q_t k_s / sqrt(d))
 *
 * with w the window, phi the feature map of another variant, and g = sigmoid(.) learned for each head; a is 1, or 1 - g.
 * The recurrent state is the last w keys and values, and [S | z] of those that have left the window.
 */
import { componentOption, defineComponent, UserError } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, AttentionParameters, ParallelOptions, RecurrentOptions, RecurrentResult } from './contract.js';
import { groupsOf, keyHeads, keyShape, repeatHeads } from './groups.js';
import { chunkOption, epsilonOption, formOption, type LinearForm } from './linear.js';
import {
  appendOnes,
  chunkedSums,
  divide,
  nextSums,
  quadraticSums,
  readSums,
  type Sums,
  splitSums,
} from './linear-forms.js';
import { mapQueries, shapeOf, withDrawn } from './map-features.js';
import { firstPositions } from './masks.js';
import { nextBuffer, realBuffered, realKeys, refuseCrossAttention, type WindowScores, windowScores } from './window.js';

/** Longest sequence for which `form: auto` forms all similarities of the older keys. */
const WINDOW_QUADRATIC_LIMIT = 256;

/** `{ use: window-linear, window: 32, linear: { use: hedgehog } }` */
export const windowLinearSchema = z.strictObject({
  window: z.int().min(1).default(64).describe('Keys under softmax, the position itself among them.'),
  linear: componentOption(
    'attention',
    'A linear attention; its feature map is that of the older keys. Its other options do not matter.',
  ).default({ use: 'hedgehog' }),
  windowFactor: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.1)
    .describe('Weight of the window at the start, g = sigmoid(.) of a number learned per head.'),
  affine: z.boolean().default(false).describe('Weigh older keys by 1 - g; by 1 otherwise.'),
  epsilon: epsilonOption(1e-12),
  form: formOption,
  chunk: chunkOption,
});

export interface WindowLinearOptions {
  window: number;
  /** A linear attention, for its feature map. */
  linear: Attention;
  /** g at the start. */
  windowFactor: number;
  /** Older keys count 1 - g instead of 1. */
  affine: boolean;
  /** Lower bound of the denominator. */
  epsilon: number;
  form: LinearForm;
  chunk: number;
}

const NAME = 'window-linear';

/** The learned number of each head whose sigmoid weighs the window. */
const FACTOR = 'window.factor';

/** Attention over a window and, linearly, over what came before it. Throws UserError where `linear` has no feature map. */
export function windowLinearAttention(options: WindowLinearOptions): Attention {
  const { window, linear, windowFactor, affine, epsilon, form, chunk } = options;
  const { featureMap } = linear;
  if (featureMap === undefined) {
    throw new UserError(`${NAME} needs the feature map of a linear attention, and '${linear.name}' has none`, {
      hint: 'Use for example linear: { use: hedgehog }.',
    });
  }

  if (linear.rotatesFeatures) {
    throw new UserError(`${NAME} rotates queries and keys before the feature map, and '${linear.name}' its features`, {
      hint: 'Leave out rotate: features.',
    });
  }

  /** The output from the sums over the window (before dropout) and over older keys. */
  function join(near: Sums, older: Sums, parameters: AttentionParameters): tf.Tensor {
    const g = tf.reshape(tf.sigmoid(parameters[FACTOR]!), [1, -1, 1, 1]); // [1,H,1,1]
    const weigh = (part: keyof Sums) =>
      tf.add(tf.mul(near[part], g), affine ? tf.mul(older[part], tf.sub(1, g)) : older[part]);
    return divide({ numerator: weigh('numerator'), denominator: weigh('denominator') }, epsilon);
  }

  function parallel(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    parameters: AttentionParameters,
    { causal, keyMask, dropout, random }: ParallelOptions,
  ): tf.Tensor {
    if (!causal) refuseCrossAttention(NAME);
    const [batch, heads, time, headDim] = q.shape as [number, number, number, number];
    const before = Math.min(window, time);
    const groups = groupsOf(q, k);
    const none = tf.zeros([batch, heads, before, headDim]);
    const filled = (x: tf.Tensor) => tf.concat([none, repeatHeads(x, groups)], 2); // [B,H,before + T,d]
    const real = realKeys(q, before, keyMask); // [B,H,before + T,1]
    const dropping = dropout !== undefined && dropout.rate > 0;
    const quadratic = form === 'quadratic' || (form === 'auto' && (time <= WINDOW_QUADRATIC_LIMIT || dropping));
    const scored = windowScores(q, filled(k), real);
    const near = nearSums(scored, filled(v), quadratic ? dropout : undefined);

    const all = withDrawn(featureMap!, shapeOf(k), parameters, random);
    const queries = mapQueries(featureMap!, q, k, all); // [B,H,T,features]
    const features = featureMap!.key(k, all);
    // Delayed by the window, keys and values are at the position where they leave it.
    const delayed = (x: tf.Tensor) => {
      const [, own, , width] = x.shape as [number, number, number, number];
      return tf.slice(
        tf.concat([tf.zeros([batch, own, before, width]), x], 2),
        [0, 0, 0, 0],
        [batch, own, time, width],
      );
    };
    const counted = tf.slice(realKeys(k, before, keyMask), [0, 0, 0, 0], [batch, k.shape[1]!, time, 1]);
    const keys = tf.mul(delayed(features), counted); // [B,kvHeads,T,features]
    const values = delayed(v);
    const older = quadratic
      ? quadraticSums(queries, keys, values, { dropout })
      : splitSums(chunkedSums(queries, keys, appendOnes(values), { chunk }).sums);
    return join(near, older, parameters);
  }

  /** The older part of some positions, and S after them; keys and values [B,kvHeads,T,.] are those that leave the window. */
  function olderSums(
    queries: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    before: tf.Tensor,
  ): { older: Sums; S: tf.Tensor } {
    if (queries.shape[2] === 1) {
      const S = nextSums(before, keys, appendOnes(values));
      return { older: splitSums(readSums(queries, S)), S };
    }
    const { sums, total } = chunkedSums(queries, keys, appendOnes(values), { chunk, incoming: before });
    return { older: splitSums(sums), S: total };
  }

  function prefill(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    before: Record<string, tf.Tensor>,
    parameters: AttentionParameters,
    { position, count }: RecurrentOptions,
  ): RecurrentResult {
    const [batch, heads, time] = k.shape as [number, number, number];
    const groups = groupsOf(q, k);
    const keys = tf.concat([before.k!, k], 2); // [B,kvHeads,window + T,d]
    const values = tf.concat([before.v!, v], 2);
    const scored = windowScores(q, repeatHeads(keys, groups), realBuffered(q, window, position));
    const near = nearSums(scored, repeatHeads(values, groups));
    const real = realBuffered(k, window, position); // [B,kvHeads,window + T,1]

    const all = withDrawn(featureMap!, shapeOf(k), parameters);
    const leaving = (x: tf.Tensor) => tf.slice(x, [0, 0, 0, 0], [batch, heads, time, x.shape[3]!]);
    const counted = count
      ? tf.mul(leaving(real), tf.reshape(firstPositions(time, count), [1, 1, time, 1]))
      : leaving(real); // [B,kvHeads,T,1]
    const features = tf.mul(featureMap!.key(leaving(keys), all), counted); // [B,kvHeads,T,features]
    const { older, S } = olderSums(mapQueries(featureMap!, q, k, all), features, leaving(values), before.S!);
    return {
      output: join(near, older, parameters),
      state: { k: nextBuffer(keys, window, count), v: nextBuffer(values, window, count), S },
    };
  }

  return {
    name: NAME,
    options: { ...options, linear: { use: linear.name, ...linear.options } },
    recurrent: true,
    parameters: (shape) => [
      ...featureMap.parameters(keyShape(shape)),
      {
        name: FACTOR,
        shape: [shape.heads],
        init: { kind: 'constant', value: Math.log(windowFactor / (1 - windowFactor)) },
        decay: false,
      },
    ],
    parallel,
    state: (shape, batch) => {
      const { headDim } = shape;
      const heads = keyHeads(shape);
      const features = featureMap.features(headDim);
      return [
        { name: 'k', shape: [batch, heads, window, headDim] },
        { name: 'v', shape: [batch, heads, window, headDim] },
        { name: 'S', shape: [batch, heads, features, headDim + 1] },
      ];
    },
    step: prefill,
    prefill,
  };
}

/** Sums over the window with weights e_ts, in float32; dropout is on the weights of the numerator. */
function nearSums({ scores, mix }: WindowScores, values: tf.Tensor, dropout?: ParallelOptions['dropout']): Sums {
  const weights = tf.exp(tf.sub(scores, tf.max(scores, -1, true)));
  if (dropout === undefined || dropout.rate === 0) return splitSums(mix(weights, appendOnes(values)));
  const [batch, heads, total] = values.shape as [number, number, number, number];
  return {
    numerator: mix(dropout.source.dropout(weights, dropout.rate), values),
    denominator: mix(weights, tf.ones([batch, heads, total, 1])),
  };
}

export const windowLinear = defineComponent({
  kind: 'attention',
  name: NAME,
  description: 'Softmax over the last keys and linear attention over older ones, as LoLCATs; a state of fixed size.',
  schema: windowLinearSchema,
  create: ({ linear, ...options }, context) =>
    windowLinearAttention({ ...options, linear: context.create('attention', linear) }),
});
