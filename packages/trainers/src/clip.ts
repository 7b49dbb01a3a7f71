/** Clipping gradients by their global norm (Pascanu et al. 2013, arXiv 1211.5063). */
import * as tf from '@tensorflow/tfjs-core';

/** Euclidean norm of all gradients taken as one vector, a scalar. */
export function globalNorm(gradients: readonly tf.Tensor[]): tf.Scalar {
  return tf.sqrt(tf.addN(gradients.map((gradient) => tf.sum(tf.square(gradient)))));
}

/** Factor `min(1, maxNorm / (norm + 1e-6))`, as PyTorch's `clip_grad_norm_`; a scalar. */
export function clipFactor(norm: tf.Scalar, maxNorm: number): tf.Scalar {
  return tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
}
