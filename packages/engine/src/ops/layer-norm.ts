/** Layer normalisation (Ba et al. 2016, arXiv 1607.06450) with a hand-written gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel, sumRows } from './named-kernel.js';
import { toRows } from './shape.js';

/** Normalises rows; returns the normalised affine output, the means and the inverse standard deviations [rows, 1]. */
function forward(x: tf.Tensor2D, weight: tf.Tensor1D, bias: tf.Tensor1D, epsilon: number): tf.Tensor[] {
  const fused = runNamedKernel('LayerNorm', { x, weight, bias }, { epsilon });
  if (fused !== undefined) return fused;
  const mean = tf.mean(x, -1, true); // [rows, 1]
  const centred = tf.sub(x, mean); // [rows, d]
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon)); // [rows, 1]
  return [tf.add(tf.mul(tf.mul(centred, inverse), weight), bias), mean, inverse];
}

/**
 * `(x - mean) / sqrt(variance + epsilon) * weight + bias` over the last axis (biased variance, as PyTorch).
 * x [..., d], weight [d], bias [d] -> [..., d].
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, w, b, save] = args as [tf.Tensor2D, tf.Tensor1D, tf.Tensor1D, tf.GradSaveFunc];
    const [value, mean, inverse] = forward(xs, w, b, epsilon) as [tf.Tensor, tf.Tensor, tf.Tensor];
    save([xs, w, mean, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sx, sw, sMean, sInverse] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D, tf.Tensor2D];
      const normalised = tf.mul(tf.sub(sx, sMean), sInverse) as tf.Tensor2D; // [rows, d]
      const dn = tf.mul(dy, sw); // [rows, d]
      const projected = tf.mul(normalised, tf.mean(tf.mul(dn, normalised), -1, true)); // [rows, d]
      const dx = tf.mul(tf.sub(tf.sub(dn, tf.mean(dn, -1, true)), projected), sInverse);
      return [dx, sumRows(tf.mul(dy, normalised) as tf.Tensor2D), sumRows(dy as tf.Tensor2D)];
    };
    return { value, gradFunc };
  });
  return tf.reshape(op(toRows(x), weight, bias), x.shape);
}
