/** What training and decoding share: norms, layers, the feed-forward network, splitting and merging heads. */
import type { Attention, AttentionParameters } from '@t2r/attention';
import {
  type DropoutSource,
  gelu,
  geluTanh,
  layerNorm,
  linear,
  relu,
  rmsNorm,
  silu,
  type TensorMap,
} from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { attentionShape } from './architecture.js';
import type { LmConfig } from './types.js';

/** Parameters by name below a prefix: `scope(parameters, 'layers.0')('fc1.weight')`. */
export type Scope = (name: string) => tf.Tensor;

export function scope(parameters: TensorMap, prefix: string): Scope {
  return (name) => parameters[`${prefix}.${name}`]!;
}

/** The norm of cross-attention within a layer. */
export const CROSS_NORM = 'cross_norm';

/** The norms of a model; rms ones have no bias. */
export type NormConfig = Pick<LmConfig, 'normKind' | 'normEpsilon'>;

export function normalise(x: tf.Tensor, get: Scope, name: string, { normKind, normEpsilon }: NormConfig): tf.Tensor {
  if (normKind === 'rms') return rmsNorm(x, get(`${name}.weight`), normEpsilon);
  return layerNorm(x, get(`${name}.weight`), get(`${name}.bias`), normEpsilon);
}

/** x @ weight, + bias where the named linear layer has one. */
export function project(x: tf.Tensor, get: Scope, name: string): tf.Tensor {
  return linear(x, get(`${name}.weight`), get(`${name}.bias`) as tf.Tensor | undefined);
}

/** What an attention variant adds to a layer, by its own names, of the parameters below `place` ("attention"). */
export function ownParameters(attention: Attention, config: LmConfig, get: Scope, place: string): AttentionParameters {
  const specs = attention.parameters(attentionShape(config));
  return Object.fromEntries(specs.map(({ name }) => [name, get(`${place}.${name}`)]));
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
  config: Pick<LmConfig, 'norm' | 'dropout'> & NormConfig,
  source: DropoutSource | undefined,
  block: (x: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const { norm: order, dropout } = config;
  if (order === 'pre') return tf.add(x, drop(block(normalise(x, get, norm, config)), source, dropout));
  return normalise(tf.add(x, drop(block(x), source, dropout)), get, norm, config);
}

/**
 * Attention and feed-forward block one after the other, cross-attention between the two where there is some, or side by
 * side as in GPT-NeoX: x + f(norm1(x)) + g(norm2(x)).
 */
export function transformerLayer(
  x: tf.Tensor,
  get: Scope,
  config: LmConfig,
  source: DropoutSource | undefined,
  attend: (x: tf.Tensor) => tf.Tensor,
  cross?: (x: tf.Tensor) => tf.Tensor,
): tf.Tensor {
  const own = residual(x, get, 'norm1', config, source, attend);
  const mixed = cross ? residual(own, get, CROSS_NORM, config, source, cross) : own;
  const feed = (h: tf.Tensor) => feedForward(h, get, config, source);
  if (!config.parallelResidual) return residual(mixed, get, 'norm2', config, source, feed);
  return tf.add(mixed, drop(feed(normalise(x, get, 'norm2', config)), source, config.dropout));
}

const ACTIVATIONS = { relu, gelu, 'gelu-new': geluTanh, silu } satisfies Record<
  LmConfig['activation'],
  (x: tf.Tensor) => tf.Tensor
>;

/**
 * fc2(activation(fc1(x))), or with a gate (Shazeer 2020, arXiv 2002.05202) fc2(activation(gate(x)) * fc1(x));
 * [.., dim] -> [.., dim].
 */
export function feedForward(
  x: tf.Tensor,
  get: Scope,
  { activation, activationDropout, gated }: Pick<LmConfig, 'activation' | 'activationDropout' | 'gated'>,
  source?: DropoutSource,
): tf.Tensor {
  const activate = ACTIVATIONS[activation];
  const inner = gated
    ? tf.mul(activate(project(x, get, 'gate')), project(x, get, 'fc1'))
    : activate(project(x, get, 'fc1'));
  return project(drop(inner, source, activationDropout), get, 'fc2');
}

/** The norm at the end of a pre-norm stack, unless the model has none; post-norm stacks end in one already. */
export function finalNorm(x: tf.Tensor, parameters: TensorMap, config: LmConfig): tf.Tensor {
  const { norm, finalNorm: last = true } = config;
  return norm === 'pre' && last ? normalise(x, (name) => parameters[name]!, 'final_norm', config) : x;
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
