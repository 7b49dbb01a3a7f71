/** The recurrent forward pass: one position, or several on top of a state, with the weights of `stepWeights`. */
import {
  type Attention,
  createRotation,
  type RecurrentOptions,
  type Rotation,
  rotateInputs,
  type StateUpdate,
} from '@t2r/attention';
import { type TensorMap, toRows } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { attentionShape, rotaryOptions } from './architecture.js';
import {
  finalNorm,
  mergeHeads,
  ownParameters,
  project,
  type Scope,
  scope,
  splitHeads,
  transformerLayer,
} from './block.js';
import { embedInputs } from './embed.js';
import { positionsAt } from './positions.js';
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
  /** Attention of layer `layer` to another sequence, [B,T,dim] -> [B,T,dim]. */
  cross?: (layer: number, x: tf.Tensor, get: Scope) => tf.Tensor;
}

/** Rows [B*T,width] -> [B,T,width]. Layers work on rows: of one position they are what products and norms take. */
const unflatten = (x: tf.Tensor, ids: tf.Tensor) => tf.reshape(x, [...ids.shape, x.shape[1]!]);

/** Self-attention of one layer in its recurrent form, [B*T,dim] -> [B*T,dim]; adds the layer's new state to `updates`. */
function attend(
  x: tf.Tensor,
  get: Scope,
  prefix: string,
  attention: Attention,
  config: LmConfig,
  { ids, state, options: call }: DecodeInputs,
  rotation: Rotation | undefined,
  updates: Record<string, StateUpdate>,
): tf.Tensor {
  const shape = attentionShape(config);
  const { heads, headDim, kvHeads = heads } = shape;
  const packed = project(x, get, 'attention.qkv'); // columns of q, k and v, heads side by side
  /** Columns `widths` of the packed projections as heads, [B,counts[i],T,widths[i] / counts[i]]. */
  const parts = (widths: number[], counts: number[]) =>
    tf.split(packed, widths, 1).map((part, i) => splitHeads(unflatten(part, ids), counts[i]!));
  const own = Object.fromEntries(attention.state(shape, 1, 1).map(({ name }) => [name, state[`${prefix}.${name}`]!]));
  const mix = () => {
    const options = { ...call, rotation, input: unflatten(x, ids) };
    if (fuses(attention, config)) {
      const values = kvHeads * (attention.fusedOnes ? headDim + 1 : headDim);
      const [qk, v] = parts([packed.shape[1]! - values, values], [heads + kvHeads, kvHeads]) as [tf.Tensor, tf.Tensor];
      return options.count ? attention.fusedPrefill(qk, v, own, options) : attention.fusedStep(qk, v, own, options);
    }
    const counts = [heads, kvHeads, kvHeads];
    const [ownQ, ownK, v] = parts(
      counts.map((count) => count * headDim),
      counts,
    ) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const { q, k, rotation: ofFeatures } = rotateInputs(attention, { q: ownQ, k: ownK }, rotation);
    const parameters = ownParameters(attention, config, get, 'attention');
    const rotated = { ...options, rotation: ofFeatures };
    return options.count
      ? attention.prefill(q, k, v, own, parameters, rotated)
      : attention.step(q, k, v, own, parameters, rotated);
  };
  const mixed = mix();
  for (const [name, update] of Object.entries(mixed.state)) updates[`${prefix}.${name}`] = update;
  return project(toRows(mergeHeads(mixed.output)), get, 'attention.out');
}

/**
 * Positions of a call: [T] where all sequences are at the same one (`position` a scalar, or there is one sequence), else
 * [B*T], those of a sequence together.
 */
function decodedPositions(position: tf.Tensor, batch: number, time: number): tf.Tensor {
  const shared = position.rank === 0 || batch === 1;
  const start = tf.reshape(position, [shared ? 1 : batch, 1]);
  const all = time === 1 ? start : tf.add(start, tf.reshape(tf.range(0, time, 1, 'int32'), [1, time]));
  return tf.reshape(all, [shared ? time : batch * time]);
}

/** Hidden state [B,dim] after the last real position, after the final norm, and the new state. */
export function decode(
  config: LmConfig,
  attention: readonly Attention[],
  inputs: DecodeInputs,
): { hidden: tf.Tensor; state: Record<string, StateUpdate> } {
  const { ids, parameters, options, cross } = inputs;
  const { position, count } = options;
  const [batch, time] = ids.shape as [number, number];
  const positions = decodedPositions(position, batch, time);
  const rotary = rotaryOptions(config);
  const rotation = rotary && createRotation(rotary, positions);
  const updates: Record<string, StateUpdate> = {};
  const encodings = positionsAt(positions, parameters, config); // [T,dim] or [B*T,dim]
  const own = positions.shape[0] !== time;
  const placed = encodings && own ? tf.reshape(encodings, [batch, time, config.dim]) : encodings;
  let x: tf.Tensor = toRows(embedInputs(ids, placed, parameters, config)); // [B*T,dim]
  attention.forEach((variant, n) => {
    const prefix = `layers.${n}`;
    const get = scope(parameters, prefix);
    const own = (h: tf.Tensor) => attend(h, get, prefix, variant, config, inputs, rotation, updates);
    const other = cross && ((h: tf.Tensor) => toRows(cross(n, unflatten(h, ids), get)));
    x = transformerLayer(x, get, config, undefined, own, other);
  });
  const at = count && tf.reshape(tf.sub(count, tf.scalar(1, 'int32')), [1]);
  const last = at ? tf.gather(unflatten(x, ids), at, 1) : x; // [B,1,dim] or [B,dim]
  return { hidden: tf.reshape(finalNorm(last, parameters, config), [batch, config.dim]), state: updates };
}
