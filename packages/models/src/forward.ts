/** The parallel forward pass, all positions at once: training and evaluation. */
import type { Attention } from '@t2r/attention';
import { UserError } from '@t2r/core';
import { type DropoutSource, embedding, linear, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { adaptiveEmbedding } from './adaptive.js';
import { drop, feedForward, finalNorm, mergeHeads, project, residual, type Scope, scope } from './block.js';
import { sinusoidalTable } from './positions.js';
import type { ForwardOptions, LmConfig, ObservedAttention } from './types.js';

/** Token embeddings, scaled where the model says so: ids [...] -> [..., dim]. */
export function embedTokens(ids: tf.Tensor, parameters: TensorMap, config: LmConfig): tf.Tensor {
  const { scaleEmbedding, dim, adaptive } = config;
  const rows = adaptive
    ? adaptiveEmbedding(ids, parameters, config, adaptive)
    : embedding(parameters['embed.weight']!, ids);
  return scaleEmbedding ? tf.mul(rows, Math.sqrt(dim)) : rows;
}

/** Encodings of positions 0 .. time-1, [time, dim]. */
function positionRows(
  time: number,
  parameters: TensorMap,
  { positions, maxPositions, dim }: LmConfig,
): tf.Tensor | undefined {
  if (positions === 'none') return undefined;
  if (positions === 'sinusoidal') return tf.tensor2d(sinusoidalTable(time, dim), [time, dim]);
  if (time > maxPositions) {
    throw new UserError(`a sequence of ${time} tokens is longer than the model's ${maxPositions} learned positions`, {
      hint: `Use blocks of at most ${maxPositions} tokens, or a model with more maxPositions.`,
    });
  }
  const table = parameters['positions.weight']!;
  return time === maxPositions ? table : tf.slice(table, [0, 0], [time, dim]);
}

/**
 * Queries, keys and values of all heads, x [B,T,dim] -> three [B,H,T,d]. One product with the matrices side by side is a
 * third faster than three products, backward too.
 */
function projectHeads(x: tf.Tensor, get: Scope, heads: number): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [batch, time, dim] = x.shape as [number, number, number];
  const joined = (part: string, axis: number) =>
    tf.concat(
      ['q', 'k', 'v'].map((name) => get(`attention.${name}.${part}`)),
      axis,
    );
  const packed = linear(x, joined('weight', 1), joined('bias', 0)); // [B,T,3 * dim]
  const parted = tf.transpose(tf.reshape(packed, [batch, time, 3, heads, dim / heads]), [2, 0, 3, 1, 4]); // [3,B,H,T,d]
  const shape = [batch, heads, time, dim / heads];
  return tf.split(parted, 3, 0).map((part) => tf.reshape(part, shape)) as [tf.Tensor, tf.Tensor, tf.Tensor];
}

/** Self-attention of one layer in its parallel form, [B,T,dim] -> [B,T,dim]. */
function attend(
  x: tf.Tensor,
  get: Scope,
  attention: Attention,
  { heads, dim, attentionDropout }: LmConfig,
  source?: DropoutSource,
  observe?: (attention: ObservedAttention) => void,
): tf.Tensor {
  const [q, k, v] = projectHeads(x, get, heads);
  const own = attention.parameters({ heads, headDim: dim / heads });
  const parameters = Object.fromEntries(own.map(({ name }) => [name, get(`attention.${name}`)]));
  const dropout = source && attentionDropout > 0 ? { source, rate: attentionDropout } : undefined;
  const mixed = attention.parallel(q, k, v, parameters, { causal: true, dropout, random: source, input: x });
  observe?.({ q, k, v, input: x, output: mixed });
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

/** ids [B,T] int32 -> hidden states after the final norm, [B,T,dim]. */
export function forward(
  config: LmConfig,
  attention: readonly Attention[],
  ids: tf.Tensor,
  parameters: TensorMap,
  { dropout, observe }: ForwardOptions = {},
): tf.Tensor {
  const tokens = embedTokens(ids, parameters, config); // [B,T,dim]
  const positions = positionRows(ids.shape[1]!, parameters, config);
  let x = drop(positions ? tf.add(tokens, positions) : tokens, dropout, config.dropout);
  attention.forEach((variant, n) => {
    const get = scope(parameters, `layers.${n}`);
    const layer = (below: tf.Tensor) => {
      const mixed = residual(below, get, 'norm1', config, dropout, (h) =>
        attend(h, get, variant, config, dropout, observe && ((seen) => observe(n, seen))),
      );
      return residual(mixed, get, 'norm2', config, dropout, (h) => feedForward(h, get, config, dropout));
    };
    x = maybeSkip(x, layer, config.layerDrop ?? 0, dropout);
  });
  return finalNorm(x, parameters, config);
}
