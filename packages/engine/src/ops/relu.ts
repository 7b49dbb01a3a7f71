/** Rectified linear unit whose gradient is one selection. */
import * as tf from '@tensorflow/tfjs-core';

/** max(x, 0), elementwise; gradient 0 at 0, as PyTorch. */
export function relu(x: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, save] = args as [tf.Tensor, tf.GradSaveFunc];
    const value = tf.relu(xs);
    save([value]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => tf.where(tf.greater(saved[0]!, 0), dy, tf.zerosLike(dy));
    return { value, gradFunc };
  });
  return op(x);
}
