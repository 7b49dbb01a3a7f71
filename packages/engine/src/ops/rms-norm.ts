/** Root mean square normalisation (Zhang & Sennrich 2019, arXiv 1910.07467) with a hand-written gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel, sumRows } from './named-kernel.js';
import { toRows } from './shape.js';

/** Normalises rows; returns the scaled output and the inverse root mean squares [rows, 1]. */
function forward(x: tf.Tensor2D, weight: tf.Tensor1D, epsilon: number): tf.Tensor[] {
  const fused = runNamedKernel('RmsNorm', { x, weight }, { epsilon });
  if (fused !== undefined) return fused;
  const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon)); // [rows, 1]
  return [tf.mul(tf.mul(x, inverse), weight), inverse];
}

/** `x / sqrt(mean(x^2) + epsilon) * weight` over the last axis. x [..., d], weight [d] -> [..., d]. */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, epsilon = 1e-5): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, w, save] = args as [tf.Tensor2D, tf.Tensor1D, tf.GradSaveFunc];
    const [value, inverse] = forward(xs, w, epsilon) as [tf.Tensor, tf.Tensor];
    save([xs, w, inverse]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sx, sw, sInverse] = saved as [tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
      const normalised = tf.mul(sx, sInverse) as tf.Tensor2D; // [rows, d]
      const dn = tf.mul(dy, sw); // [rows, d]
      const projected = tf.mul(normalised, tf.mean(tf.mul(dn, normalised), -1, true)); // [rows, d]
      return [tf.mul(tf.sub(dn, projected), sInverse), sumRows(tf.mul(dy, normalised) as tf.Tensor2D)];
    };
    return { value, gradFunc };
  });
  return tf.reshape(op(toRows(x), weight), x.shape);
}
