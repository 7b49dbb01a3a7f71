/** Masks of attention, as tensors of 0 and 1: constants of a trace where only the shape decides them. */
import * as tf from '@tensorflow/tfjs-core';

/** [size, size]: 1 on and below the diagonal (key <= query); with `strict` only below it. */
export function lowerTriangle(size: number, { strict = false } = {}): tf.Tensor2D {
  const values = new Float32Array(size * size);
  for (let row = 0; row < size; row++) values.fill(1, row * size, row * size + row + (strict ? 0 : 1));
  return tf.tensor2d(values, [size, size]);
}

/** [size]: 1 for the first `count` (int32 scalar) positions, 0 for the rest; [batch, size] with `count` [batch, 1]. */
export function firstPositions(size: number, count: tf.Tensor): tf.Tensor {
  return tf.cast(tf.less(tf.range(0, size, 1, 'int32'), count), 'float32');
}

/**
 * A number that all sequences share (int32 scalar) or each has its own of (int32 [batch]), as a column that meets [rows, size]:
 * [1, 1] or [batch, 1].
 */
export function perSequence(numbers: tf.Tensor): tf.Tensor {
  return tf.reshape(numbers, [numbers.rank === 0 ? 1 : numbers.shape[0]!, 1]);
}

/** Large enough that exp underflows to 0, small enough that no sum in float32 overflows as an infinity would. */
const MASKED = 1e30;

/** scores, with those where `mask` (broadcast) is 0 pushed out of a following softmax. */
export function maskScores(scores: tf.Tensor, mask: tf.Tensor): tf.Tensor {
  return tf.add(scores, tf.mul(tf.sub(mask, 1), MASKED));
}
