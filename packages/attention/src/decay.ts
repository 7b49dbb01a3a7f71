/**
 * Linear attention that forgets: S_t = g_t S_{t-1} + phi(k_t)^T v_t, with g_t in (0, 1) of each head and position. What
 * the forms need are products of consecutive g, computed as exp of differences of cumulative sums of log g, so that
 * none of them overflows.
 */
import * as tf from '@tensorflow/tfjs-core';
import { lowerTriangle } from './masks.js';

/** logs [..., n, 1] -> their sums over 0 .. t, [..., n, 1]. */
export function cumulative(logs: tf.Tensor): tf.Tensor {
  // Along the last axis: TensorFlow.js has a wrong gradient along any other.
  const rows = tf.reshape(logs, logs.shape.slice(0, -1)); // [..., n]
  return tf.reshape(tf.cumsum(rows, rows.rank - 1), logs.shape);
}

/** sums [..., n, 1] of `cumulative` -> g_{s+1} ... g_t for s <= t and 0 above the diagonal, [..., n, n]. */
export function decayMatrix(sums: tf.Tensor): tf.Tensor {
  const size = sums.shape[sums.rank - 2]!;
  const swapped = [...sums.shape.slice(0, -2), 1, size];
  const differences = tf.sub(sums, tf.reshape(sums, swapped)); // [..., n, n]
  // Above the diagonal they are positive and could overflow before the triangle zeroes them.
  return tf.mul(tf.exp(tf.minimum(differences, 0)), lowerTriangle(size));
}

/** What a chunked form needs of the decays log g [rows, chunks, size, 1]. */
export interface ChunkDecays {
  /** Between positions of a chunk, [rows, chunks, size, size]; takes the place of the causal mask. */
  within: tf.Tensor;
  /** From the state that enters a chunk to each of its positions, [rows, chunks, size, 1]. */
  fromStart: tf.Tensor;
  /** From each position to the end of its chunk, [rows, chunks, size, 1]. */
  toEnd: tf.Tensor;
  /** From what chunk c added (column) to the state before chunk r (row), [rows, chunks + 1, chunks]; the last row is the end. */
  between: tf.Tensor;
  /** From the incoming state to the state before each chunk and at the end, [rows, chunks + 1, 1]. */
  fromIncoming: tf.Tensor;
}

export function chunkDecays(logDecay: tf.Tensor): ChunkDecays {
  const [rows, chunks, size] = logDecay.shape as [number, number, number, number];
  const sums = cumulative(logDecay);
  const whole = tf.slice(sums, [0, 0, size - 1, 0], [rows, chunks, 1, 1]); // log decay over each chunk
  const ends = cumulative(tf.reshape(whole, [rows, chunks, 1])); // [rows, chunks, 1]
  const starts = tf.concat([tf.zeros([rows, 1, 1]), ends], 1); // [rows, chunks + 1, 1]
  const differences = tf.sub(starts, tf.reshape(ends, [rows, 1, chunks])); // [rows, chunks + 1, chunks]
  // Row r takes the chunks before it: the lower triangle one row down.
  const earlier = tf.concat([tf.zeros([1, chunks]), lowerTriangle(chunks)], 0);
  return {
    within: decayMatrix(sums),
    fromStart: tf.exp(sums),
    toEnd: tf.exp(tf.sub(whole, sums)),
    between: tf.mul(tf.exp(tf.minimum(differences, 0)), earlier),
    fromIncoming: tf.exp(starts),
  };
}
