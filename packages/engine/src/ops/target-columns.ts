/** What cross-entropies with integer targets share: the columns of targets in a table of probabilities. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel } from './named-kernel.js';

/** probabilities [n, v] and targets [n] -> p(target) [n, 1]. */
export function pickTargets(probabilities: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor2D {
  const picked = runNamedKernel('PickColumns', { x: probabilities, columns: targets })?.[0];
  if (picked !== undefined) return picked as tf.Tensor2D;
  const mask = tf.oneHot(targets, probabilities.shape[1]) as tf.Tensor2D;
  return tf.sum(tf.mul(probabilities, tf.cast(mask, 'float32')), -1, true);
}

/** probabilities [n, v] less `amount` at targets [n]; `picked` [n, 1] are those probabilities. */
export function lessAtTargets(
  probabilities: tf.Tensor2D,
  targets: tf.Tensor1D,
  picked: tf.Tensor2D,
  amount: number,
): tf.Tensor2D {
  // Made of what was read there, the values cannot come before it: probabilities are then free to be written over.
  const inputs = { x: probabilities, columns: targets, values: tf.sub(picked, amount) };
  const put = runNamedKernel('PutColumns', inputs)?.[0];
  if (put !== undefined) return put as tf.Tensor2D;
  const mask = tf.cast(tf.oneHot(targets, probabilities.shape[1]), 'float32');
  return tf.sub(probabilities, tf.mul(mask, amount)) as tf.Tensor2D;
}

/** Smallest normal float32: keeps log finite where a probability underflows. */
const TINY = 1.1754943508222875e-38;

/** -log of probabilities. */
export const negativeLogs = (probabilities: tf.Tensor) => tf.neg(tf.log(tf.maximum(probabilities, TINY)));
