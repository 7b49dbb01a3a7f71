/** What training and decoding share: residual blocks, the feed-forward network, splitting and merging heads. */
import { type DropoutSource, gelu, layerNorm, linear, relu, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { LmConfig } from './types.js';

/** Parameters by name below a prefix: `scope(parameters, 'layers.0')('fc1.weight')`. */
export type Scope = (name: string) => tf.Tensor;

export function scope(parameters: TensorMap, prefix: string): Scope {
  return (name) => parameters[`${prefix}.${name}`]!;
}

const normalise = (x: tf.Tensor, get: Scope, name: string) => layerNorm(x, get(`${name}.weight`), get(`${name}.bias`));

/** x @ weight + bias of a named linear layer. */
export function project(x: tf.Tensor, get: Scope, name: string): tf.Tensor {
  return linear(x, get(`${name}.weight`), get(`${name}.bias`));
}

/** Identity without a source: decoding and evaluation. */
export function drop(x: tf.Tensor, source: DropoutSource | undefined, rate: number): tf.Tensor {
  return source && rate > 0 ? source.dropout(x, rate) : x;
}

/** Pre-norm: x + f(norm(x)); post-norm: norm(x + f(x)), as in Vaswani et al. 2017. */
export function residual(
  x: tf.Tensor,
  get: Scope,
  norm: string,
  { norm: order, dropout }: LmConfig,
  source: DropoutSource | undefined,
  block: (x: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  if (order === 'pre') return tf.add(x, drop(block(normalise(x, get, norm)), source, dropout));
  return normalise(tf.add(x, drop(block(x), source, dropout)), get, norm);
}

/** fc2(activation(fc1(x))), [.., dim] -> [.., dim]. */
export function feedForward(
  x: tf.Tensor,
  get: Scope,
  { activation, activationDropout }: LmConfig,
  source?: DropoutSource,
): tf.Tensor {
  const act = activation === 'gelu' ? gelu : relu;
  return project(drop(act(project(x, get, 'fc1')), source, activationDropout), get, 'fc2');
}

/** The norm at the end of a pre-norm stack, unless the model has none; post-norm stacks end in one already. */
export function finalNorm(x: tf.Tensor, parameters: TensorMap, { norm, finalNorm: last = true }: LmConfig): tf.Tensor {
  return norm === 'pre' && last ? normalise(x, (name) => parameters[name]!, 'final_norm') : x;
}

/** [B,T,heads * width] -> [B,heads,T,width]. */
export function splitHeads(x: tf.Tensor, heads: number): tf.Tensor {
  const [batch, time, total] = x.shape as [number, number, number];
  const width = total / heads;
  // With one position both layouts are the same in memory.
  if (time === 1) return tf.reshape(x, [batch, heads, 1, width]);
  return tf.transpose(tf.reshape(x, [batch, time, heads, width]), [0, 2, 1, 3]);
}

/** [B,heads,T,width] -> [B,T,heads * width]. */
export function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, time, width] = x.shape as [number, number, number, number];
  return tf.reshape(time === 1 ? x : tf.transpose(x, [0, 2, 1, 3]), [batch, time, heads * width]);
}
