/**
 * Composite ops have a kernel of their own on the tracing backend (fewer, larger ONNX nodes) and fall back to plain
 * TensorFlow.js ops on every other backend, which is also their test.
 */
import * as tf from '@tensorflow/tfjs-core';

export type KernelAttributes = Record<string, number | boolean | number[]>;

/** Runs kernel `name` where the active backend has it; undefined elsewhere. */
export function runNamedKernel(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attributes: KernelAttributes = {},
): tf.Tensor[] | undefined {
  if (tf.getKernel(name, tf.getBackend()) === undefined) return undefined;
  return [tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attributes)].flat();
}

/** Sum over the rows of [rows, d] -> [d], as a product with a row of ones: the fastest reduction of this shape. */
export function sumRows(x: tf.Tensor2D): tf.Tensor1D {
  const [rows, width] = x.shape;
  return tf.reshape(tf.matMul(tf.ones([1, rows]), x), [width]);
}
