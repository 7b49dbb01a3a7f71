/** Chunks of positions where several heads of queries share one of keys: the heads of a group are further rows of a chunk. */
import * as tf from '@tensorflow/tfjs-core';

/** How positions of grouped heads are cut up: `rows` pairs of a sequence and a head of keys, `chunks` of `size`. */
export interface GroupedChunks {
  rows: number;
  groups: number;
  chunks: number;
  size: number;
}

/** [B,H,chunks*size,w] -> [rows, chunks, groups * size, w]: the heads of a group meet in every chunk. */
export function splitGroups(x: tf.Tensor, { rows, groups, chunks, size }: GroupedChunks): tf.Tensor {
  const width = x.shape[3]!;
  const parts = tf.transpose(tf.reshape(x, [rows, groups, chunks, size * width]), [0, 2, 1, 3]);
  return tf.reshape(parts, [rows, chunks, groups * size, width]);
}

/** The inverse of `splitGroups`, up to the shape. */
export function joinGroups(x: tf.Tensor, { rows, groups, chunks, size }: GroupedChunks): tf.Tensor {
  return tf.transpose(tf.reshape(x, [rows, chunks, groups, size * x.shape[3]!]), [0, 2, 1, 3]);
}
