/**
 * What attention over the last `window` keys needs: the scores of a causal band, computed in blocks of positions so that
 * their number is linear in time, and a buffer of the last keys and values as the recurrent state. The buffer is in the
 * order of time and moves along by one row a position: its rows need no index, and every shape is fixed.
 */
import { UserError } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { maskScores, perSequence } from './masks.js';
import { scaledScores } from './softmax.js';

type Shape4D = [number, number, number, number];

/** Positions per block where the window is shorter. */
const MIN_BLOCK = 64;

/** The refusal of variants with a window to attend from one sequence to another. */
export function refuseCrossAttention(name: string): never {
  throw new UserError(`${name} has no cross-attention: a window is over positions of the same sequence`, {
    hint: 'Use softmax, or a linear attention.',
  });
}

/** How positions are cut up: `blocks` of `size`, each of which sees the `before` positions before it too. */
interface Cut {
  blocks: number;
  size: number;
  before: number;
}

function cut(time: number, before: number): Cut {
  const size = Math.max(before, MIN_BLOCK);
  return time <= size ? { blocks: 1, size: time, before } : { blocks: Math.ceil(time / size), size, before };
}

/** x [B,H,T,e] -> [B*H, blocks, size, e], filled up with zeros. */
function toBlocks(x: tf.Tensor, { blocks, size }: Cut): tf.Tensor {
  const [batch, heads, time, width] = x.shape as Shape4D;
  const added = blocks * size - time;
  const whole = added === 0 ? x : tf.concat([x, tf.zeros([batch, heads, added, width])], 2);
  return tf.reshape(whole, [batch * heads, blocks, size, width]);
}

/** The inverse of `toBlocks`. */
function fromBlocks(x: tf.Tensor, batch: number, heads: number, time: number): tf.Tensor {
  const width = x.shape[3]!;
  const whole = tf.reshape(x, [batch, heads, -1, width]);
  return whole.shape[2] === time ? whole : tf.slice(whole, [0, 0, 0, 0], [batch, heads, time, width]);
}

/** x [B,H,before + T,e] -> what each block sees, [B*H, blocks, before + size, e]. */
function toSeen(x: tf.Tensor, { blocks, size, before }: Cut): tf.Tensor {
  const [batch, heads, total, width] = x.shape as Shape4D;
  const rows = batch * heads;
  if (blocks === 1) return tf.reshape(x, [rows, 1, total, width]);
  const zeros = (count: number) => (count === 0 ? [] : [tf.zeros([batch, heads, count, width])]);
  const added = blocks * size - (total - before);
  const whole = tf.concat([...zeros(size - before), x, ...zeros(added)], 2);
  const parts = tf.reshape(whole, [rows, blocks + 1, size, width]);
  const earlier = tf.slice(parts, [0, 0, size - before, 0], [rows, blocks, before, width]);
  return tf.concat([earlier, tf.slice(parts, [0, 1, 0, 0], [rows, blocks, size, width])], 2);
}

/** [size, before + size]: 1 where key column j is one of the `before` positions up to query row i. */
function band({ size, before }: Cut): tf.Tensor {
  const columns = before + size;
  const values = new Float32Array(size * columns);
  for (let i = 0; i < size; i++) values.fill(1, i * columns + i + 1, i * columns + i + before + 1);
  return tf.tensor2d(values, [size, columns]);
}

/** [size]: 1 for the last `count` (int32 scalar) of `size` rows, 0 for those before; [batch, size] with `count` [batch, 1]. */
export function lastRows(size: number, count: tf.Tensor): tf.Tensor {
  const first = tf.sub(tf.scalar(size, 'int32'), count);
  return tf.cast(tf.greaterEqual(tf.range(0, size, 1, 'int32'), first), 'float32');
}

export interface WindowScores {
  /** q k^T / sqrt(d), those outside the window pushed down by 1e30; [B*H, blocks, size, before + size]. */
  scores: tf.Tensor;
  /** Sum of weights [as scores] times values [B,H,window + T,e] -> [B,H,T,e]. */
  mix(weights: tf.Tensor, values: tf.Tensor): tf.Tensor;
}

/**
 * Scores of q [B,H,T,d] against the last `window` keys up to each; `keys` [B,H,window + T,d] begins with the `window` keys
 * before the first query. `real` says which keys count: [B,H,window + T,1] of 0 and 1.
 */
export function windowScores(q: tf.Tensor, keys: tf.Tensor, real: tf.Tensor): WindowScores {
  const [batch, heads, time] = q.shape as Shape4D;
  const how = cut(time, keys.shape[2]! - time);
  const columns = how.before + how.size;
  const seen = tf.reshape(toSeen(real, how), [batch * heads, how.blocks, 1, columns]);
  const scores = scaledScores(toBlocks(q, how), toSeen(keys, how));
  return {
    scores: maskScores(scores, tf.mul(band(how), seen)),
    mix: (weights, values) => fromBlocks(tf.matMul(weights, toSeen(values, how)), batch, heads, time),
  };
}

/**
 * Which keys count in training: none before the first position, and of the rest those of `keyMask` [B,T]. For the heads
 * and positions of x [B,H,T,.] -> [B,H,window + T,1].
 */
export function realKeys(x: tf.Tensor, window: number, keyMask?: tf.Tensor): tf.Tensor {
  const [batch, heads, time] = x.shape as Shape4D;
  const none = tf.zeros([batch, heads, window, 1]);
  const ones = tf.ones([batch, heads, time, 1]);
  return tf.concat([none, keyMask ? tf.mul(ones, tf.reshape(keyMask, [batch, 1, time, 1])) : ones], 2);
}

/**
 * Which keys count with a buffer after `position` (int32 scalar, or [B]) positions: its last rows, and all new ones. For the
 * heads and positions of x [B,H,T,.] -> [B,H,window + T,1].
 */
export function realBuffered(x: tf.Tensor, window: number, position: tf.Tensor): tf.Tensor {
  const [batch, heads, time] = x.shape as Shape4D;
  const last = tf.reshape(lastRows(window, perSequence(position)), [-1, 1, window, 1]);
  const buffered = tf.add(last, tf.zeros([batch, heads, 1, 1]));
  return tf.concat([buffered, tf.ones([batch, heads, time, 1])], 2);
}

/** The last `window` rows of all [B,H,window + T,e] up to position `count` (int32 scalar) of T; of all T without it. */
export function nextBuffer(all: tf.Tensor, window: number, count?: tf.Tensor): tf.Tensor {
  const [batch, heads, total, width] = all.shape as Shape4D;
  if (count) return tf.gather(all, tf.add(tf.range(0, window, 1, 'int32'), count), 2);
  return tf.slice(all, [0, 0, total - window, 0], [batch, heads, window, width]);
}
