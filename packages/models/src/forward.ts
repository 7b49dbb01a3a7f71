/** The parallel forward pass, all positions at once: training and evaluation. */
import { type Attention, createRotation, type Rotation, rotateInputs } from '@t2r/attention';
import { recompute as computeAgain, type DropoutSource, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { rotaryOptions } from './architecture.js';
import { drop, finalNorm, mergeHeads, project, type Scope, scope, transformerLayer } from './block.js';
import { embedInputs } from './embed.js';
import { leadingPositions } from './positions.js';
import { projectedAttention, projectHeads } from './projections.js';
import type { ForwardOptions, LmConfig, ObservedAttention } from './types.js';

/** How a stack differs from a language model's. */
export interface StackOptions extends ForwardOptions {
  /** False: every position sees all. Default true. */
  causal?: boolean;
  /** [B,T], 0 for padding that no position sees. */
  keyMask?: tf.Tensor;
  /** Attention of layer `layer` to another sequence, [B,T,dim] -> [B,T,dim]. */
  cross?: (layer: number, x: tf.Tensor, get: Scope) => tf.Tensor;
}

interface Pass extends Pick<StackOptions, 'keyMask'> {
  causal: boolean;
  source?: DropoutSource;
  rotation?: Rotation;
  observe?: (attention: ObservedAttention) => void;
}

/** Self-attention of one layer in its parallel form, [B,T,dim] -> [B,T,dim]. */
function attend(
  x: tf.Tensor,
  get: Scope,
  attention: Attention,
  config: LmConfig,
  { causal, keyMask, source, rotation, observe }: Pass,
): tf.Tensor {
  const { attentionDropout } = config;
  const rows = x.shape[0]! * x.shape[1]!;
  const { query, key, value, parameters, mix } = projectedAttention(attention, config, get, {
    place: 'attention',
    rows,
    whole: observe !== undefined,
  });
  const [q, k, v] = projectHeads(x, [query, key, value]) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const dropout = source && attentionDropout > 0 ? { source, rate: attentionDropout } : undefined;
  const placed = rotateInputs(attention, { q, k }, rotation);
  const options = { causal, keyMask, dropout, random: source, rotation: placed.rotation, input: x };
  const mixed = mix(placed.q, placed.k, v, parameters, options);
  observe?.({ q, k, v, rotation, input: x, output: mixed });
  return project(mergeHeads(mixed), get, 'attention.out');
}

/**
 * LayerDrop (Fan et al. 2020, arXiv 1909.11556): with probability `rate` a step of training passes the whole batch by a
 * layer. As in fairseq, layers that stay are not scaled up. A compiled graph has no branches, so a skipped layer is computed,
 * forward and backward, and multiplied by 0: its parameters get no gradient, and no time is saved.
 */
function maybeSkip(x: tf.Tensor, layer: (x: tf.Tensor) => tf.Tensor, rate: number, source?: DropoutSource): tf.Tensor {
  if (source === undefined || rate === 0) return layer(x);
  const keep = tf.sign(source.mask([1, 1, 1], rate)); // 0 or 1
  return tf.add(tf.mul(layer(x), keep), tf.mul(x, tf.sub(1, keep)));
}

/** The parameters of layer n, by their whole names. */
function layerParameters(parameters: TensorMap, n: number): TensorMap {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => name.startsWith(`layers.${n}.`)));
}

/** ids [B,T] int32 -> hidden states after the final norm, [B,T,dim]. */
export function forward(
  config: LmConfig,
  attention: readonly Attention[],
  ids: tf.Tensor,
  parameters: TensorMap,
  { dropout, observe, causal = true, keyMask, cross, recompute = false }: StackOptions = {},
): tf.Tensor {
  const time = ids.shape[1]!;
  const rotary = rotaryOptions(config);
  const inputs = embedInputs(ids, leadingPositions(time, parameters, config), parameters, config);
  let x = drop(inputs, dropout, config.dropout);
  if (recompute && (observe || cross || keyMask))
    throw new Error('a stack that is observed or masked is not recomputed');
  attention.forEach((variant, n) => {
    const seen = observe && ((attended: ObservedAttention) => observe(n, attended));
    const run = (below: tf.Tensor, values: TensorMap, source?: DropoutSource) => {
      const get = scope(values, `layers.${n}`);
      // Equal tables of a graph are one; a layer that is computed again makes its own.
      const rotation = rotary && createRotation(rotary, time);
      const pass = { causal, keyMask, source, rotation, observe: seen };
      const own = (h: tf.Tensor) => attend(h, get, variant, config, pass);
      const other = cross && ((h: tf.Tensor) => cross(n, h, get));
      return transformerLayer(below, get, config, source, own, other);
    };
    const layer = (below: tf.Tensor) =>
      recompute ? computeAgain(run, below, layerParameters(parameters, n), dropout) : run(below, parameters, dropout);
    x = maybeSkip(x, layer, config.layerDrop ?? 0, dropout);
  });
  return finalNorm(x, parameters, config);
}
