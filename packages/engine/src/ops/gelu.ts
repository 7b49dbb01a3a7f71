/** Gaussian error linear unit (Hendrycks & Gimpel 2016, arXiv 1606.08415), the exact form with erf. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel } from './named-kernel.js';

const INVERSE_SQRT_2 = Math.SQRT1_2;
const INVERSE_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

/** Standard normal distribution function. */
function normalCdf(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.add(tf.erf(tf.mul(x, INVERSE_SQRT_2)), 1), 0.5);
}

/** `x * Phi(x)`, elementwise; gradient `Phi(x) + x * phi(x)`. */
export function gelu(x: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([xs]);
    const value = runNamedKernel('Gelu', { x: xs })?.[0] ?? tf.mul(xs, normalCdf(xs));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const sx = saved[0]!;
      const density = tf.mul(tf.exp(tf.mul(tf.square(sx), -0.5)), INVERSE_SQRT_2PI);
      return tf.mul(dy, tf.add(normalCdf(sx), tf.mul(sx, density)));
    };
    return { value, gradFunc };
  });
  return op(x);
}
