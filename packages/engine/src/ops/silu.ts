/** Sigmoid linear unit, swish (Hendrycks & Gimpel 2016, arXiv 1606.08415; Ramachandran et al. 2017, arXiv 1710.05941). */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel } from './named-kernel.js';

/** `x * sigmoid(x)`, elementwise; gradient `s + x s (1 - s)` with s = sigmoid(x). */
export function silu(x: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([xs]);
    const value = runNamedKernel('Silu', { x: xs })?.[0] ?? tf.mul(xs, tf.sigmoid(xs));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const sx = saved[0]!;
      const s = tf.sigmoid(sx);
      return tf.mul(dy, tf.mul(s, tf.add(tf.mul(sx, tf.sub(1, s)), 1)));
    };
    return { value, gradFunc };
  });
  return op(x);
}
