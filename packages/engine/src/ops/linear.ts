/** Affine maps as one GEMM each way. */
import * as tf from '@tensorflow/tfjs-core';
import { runNamedKernel, sumRows } from './named-kernel.js';
import { toRows } from './shape.js';

/**
 * `x @ weight + bias` over the last axis: x [..., in], weight [in, out], bias [out] -> [..., out].
 * The leading dimensions are flattened, so that forward and both gradients are one GEMM each.
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const outShape = [...x.shape.slice(0, -1), weight.shape[1]!];
  const rows = toRows(x); // [rows, in]
  const w = weight as tf.Tensor2D;
  if (bias === undefined) return tf.reshape(tf.matMul(rows, w), outShape);
  const affine = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [xs, ws, bs, save] = args as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D, tf.GradSaveFunc];
    save([xs, ws]);
    const value = runNamedKernel('Gemm', { a: xs, b: ws, c: bs })?.[0] ?? tf.add(tf.matMul(xs, ws), bs);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sx, sw] = saved as [tf.Tensor2D, tf.Tensor2D];
      const dy2 = dy as tf.Tensor2D;
      return [tf.matMul(dy2, sw, false, true), tf.matMul(sx, dy2, true, false), sumRows(dy2)];
    };
    return { value, gradFunc };
  });
  return tf.reshape(affine(rows, w, bias), outShape);
}
