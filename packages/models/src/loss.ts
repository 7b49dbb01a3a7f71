/** From losses of positions to one number. */
import { sizeOf } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';

/** Shares [n] of positions in a mean, from `weights` of n numbers in any shape; all 0 where nothing is scored. */
export function rowShares(weights: tf.Tensor): tf.Tensor {
  const flat = tf.reshape(weights, [sizeOf(weights.shape)]);
  return tf.div(flat, tf.maximum(tf.sum(flat), 1e-6));
}

/** Mean of losses [n], weighted where weights are given. A batch in which nothing is scored has loss 0. */
export function meanLoss(losses: tf.Tensor, weights?: tf.Tensor): tf.Tensor {
  return weights === undefined ? tf.mean(losses) : tf.sum(tf.mul(losses, rowShares(weights)));
}
