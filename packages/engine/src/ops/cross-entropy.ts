/** Softmax cross-entropy with integer targets. */
import * as tf from '@tensorflow/tfjs-core';
import { lessAtTargets, negativeLogs, pickTargets } from './target-columns.js';

/**
 * Cross-entropy of the output projection `hidden @ weight^T` in nats a row, -log p(target).
 * hidden [n, d], weight [V, d], targets [n] int32 -> [n].
 *
 * One [n, V] tensor lives from forward to backward, the softmax p, and the gradient `p - onehot` is written over it: n
 * numbers change. Where the loss is the mean over rows, `meanLinearCrossEntropy` needs less.
 */
export function linearCrossEntropy(hidden: tf.Tensor, weight: tf.Tensor, targets: tf.Tensor): tf.Tensor1D {
  const ids = targets as tf.Tensor1D;
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [h, w, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const probabilities = tf.softmax(tf.matMul(h, w, false, true)) as tf.Tensor2D; // [n, V]
    const picked = pickTargets(probabilities, ids); // [n, 1]
    save([h, w, probabilities, ids, picked]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sh, sw, p, at, was] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const g = tf.reshape(dy, [-1, 1]) as tf.Tensor2D; // [n, 1]
      const dLogits = lessAtTargets(p, at, was, 1); // [n, V], before g
      // The transpose is of the small result, not of p: a fifth faster than p^T @ hidden (measured).
      const dw = tf.transpose(tf.matMul(tf.mul(g, sh) as tf.Tensor2D, dLogits, true, false)) as tf.Tensor2D; // [V, d]
      return [tf.mul(g, tf.matMul(dLogits, sw)), dw];
    };
    return { value: tf.reshape(negativeLogs(picked), [h.shape[0]]), gradFunc };
  });
  return op(hidden, weight) as tf.Tensor1D;
}

/**
 * Cross-entropy of logits in nats a row, with label smoothing e: `(1 - e) * -log p(target) + e / V * sum_v -log p(v)`
 * (Szegedy et al. 2016, arXiv 1512.00567).
 * logits [n, V], targets [n] int32 -> [n].
 */
export function crossEntropy(logits: tf.Tensor, targets: tf.Tensor, labelSmoothing = 0): tf.Tensor1D {
  const vocabulary = logits.shape[1]!;
  const ids = targets as tf.Tensor1D;
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [x, save] = args as [tf.Tensor2D, tf.GradSaveFunc];
    const logProbabilities = tf.logSoftmax(x); // [n, V]
    save([logProbabilities, ids]);
    const nll = tf.neg(pickTargets(logProbabilities, ids)); // [n, 1]
    const uniform = () => tf.mul(tf.mean(logProbabilities, -1, true), -labelSmoothing);
    const value = labelSmoothing === 0 ? nll : tf.add(tf.mul(nll, 1 - labelSmoothing), uniform());
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [logs, at] = saved as [tf.Tensor2D, tf.Tensor1D];
      const probabilities = tf.exp(logs); // [n, V]
      const hot = tf.cast(tf.oneHot(at, vocabulary), 'float32');
      const target = tf.add(tf.mul(hot, 1 - labelSmoothing), labelSmoothing / vocabulary);
      return tf.mul(tf.reshape(dy, [-1, 1]), tf.sub(probabilities, target));
    };
    return { value: tf.reshape(value, [x.shape[0]]), gradFunc };
  });
  return op(logits) as tf.Tensor1D;
}
