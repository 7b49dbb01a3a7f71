/** Options of the model components, as recipes write them; the vocabulary comes with the tokenizer. */
import { componentOption } from '@t2r/core';
import { z } from 'zod';
import { architectureOptions } from './architecture-options.js';
import {
  blockOptions,
  dropoutOptions,
  initOptions,
  initScaleRule,
  rate,
  SCALE_EMBEDDING,
  size,
} from './block-options.js';

const attention = componentOption('attention', 'An attention variant.');

const adaptive = z.strictObject({
  cutoffs: z
    .array(size)
    .min(1)
    .refine((cutoffs) => cutoffs.every((cutoff, i) => i === 0 || cutoff > cutoffs[i - 1]!), { message: 'must rise' })
    .describe('First token of each band after the first; tokens are sorted by frequency.'),
  factor: size.default(4).describe('Band i has vectors of dim / factor^i.'),
  tieProjections: z
    .boolean()
    .default(true)
    .describe("Output tails use the input's projections, transposed; needs tieOutput."),
  dropout: rate.default(0).describe("Dropout on the output layer's input and in its tails, in training."),
});

/** One attention for all layers, or a list with one per layer. */
export const attentionLayers = (whose: string) =>
  z
    .union([attention, z.array(attention)])
    .default({ use: 'softmax' })
    .describe(`${whose} of all layers, or a list with one per layer, first layer first.`);

/** `{ use: decoder-lm, layers: 4, dim: 256, heads: 4, ffn: 1024, attention: { use: softmax } }` */
export const decoderLmSchema = z
  .strictObject({
    layers: size.describe('Number of layers.'),
    dim: size.describe('Width of the model.'),
    heads: size.describe('Attention heads; dim is a multiple of it, unless headDim is given.'),
    ffn: size.describe('Width of the feed-forward blocks.'),
    activation: blockOptions.activation,
    norm: blockOptions.norm,
    positions: z
      .enum(['learned', 'sinusoidal', 'rotary', 'none'])
      .default('sinusoidal')
      .describe('Positions, added to embeddings or turning queries and keys; learned ones have a longest position.'),
    maxPositions: size.default(512).describe('Longest sequence of learned positions.'),
    tieOutput: z.boolean().default(true).describe('Use the embedding as output projection.'),
    scaleEmbedding: z.boolean().default(false).describe(SCALE_EMBEDDING),
    ...dropoutOptions,
    ...initOptions,
    adaptive: adaptive
      .optional()
      .describe(
        'Adaptive input embeddings and adaptive softmax (Baevski & Auli 2019); default: one table, one softmax.',
      ),
    finalNorm: blockOptions.finalNorm,
    layerDrop: blockOptions.layerDrop,
    ...architectureOptions,
    attention: attentionLayers('Attention'),
  })
  .refine(...initScaleRule)
  .refine(({ dim, heads, headDim }) => headDim !== undefined || dim % heads === 0, {
    path: ['heads'],
    message: 'must divide dim',
  })
  .refine(({ heads, kvHeads = heads }) => heads % kvHeads === 0, { path: ['kvHeads'], message: 'must divide heads' })
  .refine(({ rotary, positions }) => rotary === undefined || positions === 'rotary', {
    path: ['rotary'],
    message: 'goes with positions: rotary',
  })
  .refine(({ attention: specs, layers }) => !Array.isArray(specs) || specs.length === layers, {
    path: ['attention'],
    message: 'must be one attention, or a list with one per layer',
  });
