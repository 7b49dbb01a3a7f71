/** From token ids to vectors of the model's width. */
import { embedding, linear, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { adaptiveEmbedding } from './adaptive.js';
import type { LmConfig } from './types.js';

/** A projection between the width of the token table and that of the model, on either side. */
export const INPUT_PROJECTION = 'embed.projection.weight';
export const OUTPUT_PROJECTION = 'output.projection.weight';

/** Token embeddings, projected and scaled where the model says so: ids [...] -> [..., dim]. */
export function embedTokens(ids: tf.Tensor, parameters: TensorMap, config: LmConfig): tf.Tensor {
  const { scaleEmbedding, dim, adaptive, embedDim } = config;
  const rows = adaptive
    ? adaptiveEmbedding(ids, parameters, config, adaptive)
    : embedding(parameters['embed.weight']!, ids);
  const wide = embedDim === undefined ? rows : linear(rows, parameters[INPUT_PROJECTION]!);
  return scaleEmbedding ? tf.mul(wide, Math.sqrt(dim)) : wide;
}
