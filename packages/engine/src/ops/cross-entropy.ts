/** Softmax cross-entropy with integer targets and label smoothing. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel } from './named-kernel.js';

/** probabilities [n, v] and targets [n] -> p(target) [n, 1]. */
function pickTargets(probabilities: tf.Tensor2D, targets: tf.Tensor1D): tf.Tensor2D {
  const picked = runNamedKernel('PickColumns', { x: probabilities, columns: targets })?.[0];
  if (picked !== undefined) return picked as tf.Tensor2D;
  const mask = tf.oneHot(targets, probabilities.shape[1]) as tf.Tensor2D;
  return tf.sum(tf.mul(probabilities, tf.cast(mask, 'float32')), -1, true);
}

/** probabilities [n, v] less `amount` at targets [n]; `picked` [n, 1] are those probabilities. */
function lessAtTargets(
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

/**
 * Cross-entropy of the output projection `hidden @ weight^T` in nats a row:
 * `(1 - e) * -log p(target) + e / V * sum_v -log p(v)` with e = labelSmoothing (Szegedy et al. 2016, arXiv 1512.00567).
 * hidden [n, d], weight [V, d], targets [n] int32, bias [V] added to the scores where given -> [n].
 *
 * One [n, V] tensor lives from forward to backward, the softmax p, and the gradient `p - onehot` is written over it: n
 * numbers change.
 */
export function linearCrossEntropy(
  hidden: tf.Tensor,
  weight: tf.Tensor,
  targets: tf.Tensor,
  labelSmoothing = 0,
  bias?: tf.Tensor,
): tf.Tensor1D {
  // A column of ones meets the bias: one product more in the width of the model, and every line below holds.
  if (bias !== undefined) {
    const ones = tf.ones([hidden.shape[0]!, 1]);
    const column = tf.reshape(bias, [weight.shape[0]!, 1]);
    return linearCrossEntropy(tf.concat([hidden, ones], 1), tf.concat([weight, column], 1), targets, labelSmoothing);
  }
  const vocabulary = weight.shape[0]!;
  const ids = targets as tf.Tensor1D;
  const smooth = labelSmoothing / vocabulary;
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [h, w, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.GradSaveFunc];
    const probabilities = tf.softmax(tf.matMul(h, w, false, true)) as tf.Tensor2D; // [n, V]
    const picked = pickTargets(probabilities, ids); // [n, 1]
    save([h, w, probabilities, ids, picked]);
    const nll = tf.neg(tf.log(tf.maximum(picked, TINY))); // [n, 1]
    const value = tf.reshape(labelSmoothing === 0 ? nll : smoothed(nll, h, w), [h.shape[0]]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sh, sw, p, at, was] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const g = tf.reshape(dy, [-1, 1]) as tf.Tensor2D; // [n, 1]
      const scaled = tf.mul(g, sh) as tf.Tensor2D; // [n, d]
      const dLogits = lessAtTargets(p, at, was, 1 - labelSmoothing); // [n, V], before g and the uniform part
      let dh: tf.Tensor = tf.matMul(dLogits, sw); // [n, d]
      // The transpose is of the small result, not of p: a fifth faster than p^T @ hidden (measured).
      let dw = tf.transpose(tf.matMul(scaled, dLogits, true, false)) as tf.Tensor2D; // [V, d]
      if (labelSmoothing !== 0) {
        dh = tf.sub(dh, mulScalar(tf.sum(sw, 0, true), smooth)); // [1, d] broadcast
        dw = tf.sub(dw, mulScalar(tf.sum(scaled, 0, true), smooth));
      }
      return [tf.mul(g, dh), dw];
    };
    return { value, gradFunc };
  });

  /** sum_v -log p(v) = V * logsumexp - h . sum_v w_v, and logsumexp = logit(target) + nll. */
  function smoothed(nll: tf.Tensor, h: tf.Tensor2D, w: tf.Tensor2D): tf.Tensor {
    const targetLogit = tf.sum(tf.mul(h, tf.gather(w, ids)), -1, true); // [n, 1]
    const logSumExp = tf.add(targetLogit, nll); // [n, 1]
    const logitSum = tf.matMul(h, tf.sum(w, 0, true) as tf.Tensor2D, false, true); // [n, 1]
    const uniform = tf.sub(tf.mul(logSumExp, labelSmoothing), tf.mul(logitSum, smooth));
    return tf.add(tf.mul(nll, 1 - labelSmoothing), uniform);
  }
  return op(hidden, weight) as tf.Tensor1D;
}

function mulScalar<T extends tf.Tensor>(x: T, factor: number): T {
  return factor === 1 ? x : (tf.mul(x, factor) as T);
}

/**
 * Cross-entropy of logits in nats a row, label smoothing as in `linearCrossEntropy`.
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
