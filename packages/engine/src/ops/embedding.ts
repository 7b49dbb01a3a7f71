/** Table look-up whose gradient adds rows into the table, without a one-hot matrix. */
import * as tf from '@tensorflow/tfjs-core';
import { sizeOf } from './shape.js';

/** Adds rows [n, d] into a table of zeros [vocabulary, d] at ids [n] (repeated ids add up). */
export function scatterRows(rows: tf.Tensor2D, ids: tf.Tensor1D, vocabulary: number): tf.Tensor2D {
  return tf.unsortedSegmentSum(rows, ids, vocabulary) as tf.Tensor2D;
}

/** weight [vocabulary, d], ids [...] int32 -> [..., d]. */
export function embedding(weight: tf.Tensor, ids: tf.Tensor): tf.Tensor {
  const [vocabulary, width] = weight.shape as [number, number];
  const flat = tf.reshape(ids, [sizeOf(ids.shape)]) as tf.Tensor1D;
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [table, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    // Saved, because ids that were computed in the forward pass do not outlive it on an eager backend.
    save([flat]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) =>
      scatterRows(dy as tf.Tensor2D, saved[0] as tf.Tensor1D, vocabulary);
    return { value: tf.gather(table, flat), gradFunc };
  });
  return tf.reshape(op(weight), [...ids.shape, width]);
}
