/** Helpers for shapes. */
import * as tf from '@tensorflow/tfjs-core';

/** Product of dimensions. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, dim) => product * dim, 1);
}

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, i) => dim === b[i]);

/** x [..., d] -> [rows, d]. */
export function toRows(x: tf.Tensor): tf.Tensor2D {
  const width = x.shape[x.rank - 1]!;
  return tf.reshape(x, [sizeOf(x.shape) / width, width]) as tf.Tensor2D;
}
