/** From losses of positions to one number. */
import { sizeOf } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';

/** Mean of losses [n], weighted by `weights` of n numbers in any shape where they are given. */
export function meanLoss(losses: tf.Tensor, weights?: tf.Tensor): tf.Tensor {
  if (weights === undefined) return tf.mean(losses);
  const flat = tf.reshape(weights, [sizeOf(weights.shape)]);
  // A batch in which nothing is scored has loss 0.
  return tf.div(tf.sum(tf.mul(losses, flat)), tf.maximum(tf.sum(flat), 1e-6));
}
