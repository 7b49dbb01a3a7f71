/** The recurrent forward pass: one position, or several on top of a state, with the weights of `stepWeights`. */
import type { Attention, RecurrentOptions, StateUpdate } from '@t2r/attention';
import { embedding, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { feedForward, finalNorm, mergeHeads, project, residual, type Scope, scope, splitHeads } from './block.js';
import { embedTokens } from './forward.js';
import { sinusoidalRows } from './positions.js';
import { fuses } from './step-weights.js';
import type { LmConfig } from './types.js';

export interface DecodeInputs {
  /** [B,T] int32 */
  ids: tf.Tensor;
  /** Tensors by state name, `layers.N.` prefixed. */
  state: TensorMap;
  parameters: TensorMap;
  /** With `count` the positions are a right-padded prompt; without it there is one. */
  options: RecurrentOptions;
}

/** Encodings of the given positions [T] -> [T, dim]. */
function positionRows(positions: tf.Tensor, parameters: TensorMap, config: LmConfig): tf.Tensor | undefined {
  if (config.positions === 'none') return undefined;
  if (config.positions === 'sinusoidal') return sinusoidalRows(positions, config.dim);
  const table = parameters['positions.weight']!;
  if (positions.shape[0] === 1) return embedding(table, positions);
  // Padding after the last learned position has no row of its own; what it reads does not matter.
  return embedding(table, tf.minimum(positions, tf.scalar(config.maxPositions - 1, 'int32')));
}

/** Self-attention of one layer in its recurrent form, [B,T,dim] -> [B,T,dim]; adds the layer's new state to `updates`. */
function attend(
  x: tf.Tensor,
  get: Scope,
  prefix: string,
  attention: Attention,
  { heads, dim }: LmConfig,
  { state, options: call }: DecodeInputs,
  updates: Record<string, StateUpdate>,
): tf.Tensor {
  const shape = { heads, headDim: dim / heads };
  const options = { ...call, input: x };
  const packed = project(x, get, 'attention.qkv'); // [B,T,2 * heads * width + dim]
  const width = (packed.shape[2]! - dim) / 2;
  const [q, k, v] = tf.split(packed, [width, width, dim], 2).map((part) => splitHeads(part, heads)) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const own = Object.fromEntries(attention.state(shape, 1, 1).map(({ name }) => [name, state[`${prefix}.${name}`]!]));
  const mix = () => {
    if (fuses(attention)) {
      return options.count ? attention.fusedPrefill(q, k, v, own, options) : attention.fusedStep(q, k, v, own, options);
    }
    const parameters = Object.fromEntries(
      attention.parameters(shape).map(({ name }) => [name, get(`attention.${name}`)]),
    );
    return options.count
      ? attention.prefill(q, k, v, own, parameters, options)
      : attention.step(q, k, v, own, parameters, options);
  };
  const mixed = mix();
  for (const [name, update] of Object.entries(mixed.state)) updates[`${prefix}.${name}`] = update;
  return project(mergeHeads(mixed.output), get, 'attention.out');
}

/** Hidden state [B,dim] after the last real position, after the final norm, and the new state. */
export function decode(
  config: LmConfig,
  attention: readonly Attention[],
  inputs: DecodeInputs,
): { hidden: tf.Tensor; state: Record<string, StateUpdate> } {
  const { ids, parameters, options } = inputs;
  const { position, count } = options;
  const [batch, time] = ids.shape as [number, number];
  const positions = time === 1 ? tf.reshape(position, [1]) : tf.add(position, tf.range(0, time, 1, 'int32')); // [T]
  const tokens = embedTokens(ids, parameters, config); // [B,T,dim]
  const rows = positionRows(positions, parameters, config);
  const updates: Record<string, StateUpdate> = {};
  let x = rows ? tf.add(tokens, rows) : tokens;
  attention.forEach((variant, n) => {
    const prefix = `layers.${n}`;
    const get = scope(parameters, prefix);
    x = residual(x, get, 'norm1', config, undefined, (h) => attend(h, get, prefix, variant, config, inputs, updates));
    x = residual(x, get, 'norm2', config, undefined, (h) => feedForward(h, get, config));
  });
  const last = count ? tf.gather(x, tf.reshape(tf.sub(count, tf.scalar(1, 'int32')), [1]), 1) : x; // [B,1,dim]
  return { hidden: tf.reshape(finalNorm(last, parameters, config), [batch, config.dim]), state: updates };
}
