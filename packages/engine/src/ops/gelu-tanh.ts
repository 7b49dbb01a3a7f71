/** GELU by its tanh approximation (Hendrycks & Gimpel 2016, arXiv 1606.08415, section 2), as GPT-2 has it. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel } from './named-kernel.js';

const SCALE = Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715;

/** tanh(sqrt(2 / pi) (x + 0.044715 x^3)). */
function bend(x: tf.Tensor): tf.Tensor {
  return tf.tanh(tf.mul(tf.mul(x, SCALE), tf.add(tf.mul(tf.square(x), CUBIC), 1)));
}

/** `x / 2 * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`, elementwise. */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, save] = args as [tf.Tensor, tf.GradSaveFunc];
    save([xs]);
    const value = runNamedKernel('GeluTanh', { x: xs })?.[0] ?? tf.mul(tf.mul(xs, 0.5), tf.add(bend(xs), 1));
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const sx = saved[0]!;
      const t = bend(sx);
      const inner = tf.mul(tf.add(tf.mul(tf.square(sx), 3 * CUBIC), 1), SCALE); // derivative of tanh's argument
      const bent = tf.mul(tf.mul(sx, tf.sub(1, tf.square(t))), inner);
      return tf.mul(dy, tf.mul(tf.add(tf.add(t, 1), bent), 0.5));
    };
    return { value, gradFunc };
  });
  return op(x);
}
