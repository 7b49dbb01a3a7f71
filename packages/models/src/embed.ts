/** From token ids to vectors of the model's width. */
import { embedding, linear, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { adaptiveEmbedding } from './adaptive.js';
import { normalise } from './block.js';
import type { LmConfig } from './types.js';

/** A projection between the width of the token table and that of the model, on either side. */
export const INPUT_PROJECTION = 'embed.projection.weight';
export const OUTPUT_PROJECTION = 'output.projection.weight';
/** The norm on embeddings. */
export const EMBEDDING_NORM = 'embed_norm';

/** Token embeddings, projected and scaled where the model says so: ids [...] -> [..., dim]. */
export function embedTokens(ids: tf.Tensor, parameters: TensorMap, config: LmConfig): tf.Tensor {
  const { scaleEmbedding, dim, adaptive, embedDim } = config;
  const rows = adaptive
    ? adaptiveEmbedding(ids, parameters, config, adaptive)
    : embedding(parameters['embed.weight']!, ids);
  const wide = embedDim === undefined ? rows : linear(rows, parameters[INPUT_PROJECTION]!);
  return scaleEmbedding ? tf.mul(wide, Math.sqrt(dim)) : wide;
}

/** What the first layer sees: ids [B,T] and encodings of their positions [T,dim] or [B,T,dim], where the model adds some -> [B,T,dim]. */
export function embedInputs(
  ids: tf.Tensor,
  positions: tf.Tensor | undefined,
  parameters: TensorMap,
  config: LmConfig,
): tf.Tensor {
  const tokens = embedTokens(ids, parameters, config); // [B,T,dim]
  const placed = positions ? tf.add(tokens, positions) : tokens;
  return config.embeddingNorm ? normalise(placed, (name) => parameters[name]!, EMBEDDING_NORM, config) : placed;
}
