/** Options of the model components, as recipes write them; the vocabulary comes with the tokenizer. */
import { componentOption } from '@t2r/core';
import { z } from 'zod';
import { architectureOptions } from './architecture-options.js';

const size = z.int().min(1);
const rate = z.number().min(0).lt(1);
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

/** `{ use: decoder-lm, layers: 4, dim: 256, heads: 4, ffn: 1024, attention: { use: softmax } }` */
export const decoderLmSchema = z
  .strictObject({
    layers: size.describe('Number of layers.'),
    dim: size.describe('Width of the model.'),
    heads: size.describe('Attention heads; dim is a multiple of it, unless headDim is given.'),
    ffn: size.describe('Width of the feed-forward blocks.'),
    activation: z
      .enum(['relu', 'gelu', 'gelu-new', 'silu'])
      .default('relu')
      .describe('Activation of the feed-forward blocks; gelu-new is its tanh approximation.'),
    norm: z
      .enum(['pre', 'post'])
      .default('pre')
      .describe('Layer norm before each block, with one more at the end, or after each residual sum.'),
    positions: z
      .enum(['learned', 'sinusoidal', 'rotary', 'none'])
      .default('sinusoidal')
      .describe('Positions, added to embeddings or turning queries and keys; learned ones have a longest position.'),
    maxPositions: size.default(512).describe('Longest sequence of learned positions.'),
    tieOutput: z.boolean().default(true).describe('Use the embedding as output projection.'),
    scaleEmbedding: z
      .boolean()
      .default(false)
      .describe('Multiply embeddings by sqrt(dim); they are then drawn with standard deviation 1 / sqrt(dim).'),
    dropout: rate.default(0).describe('Dropout on embeddings and after each block, in training.'),
    attentionDropout: rate.default(0).describe('Dropout on normalised attention weights, in training.'),
    activationDropout: rate.default(0).describe('Dropout after the activation of feed-forward blocks, in training.'),
    initStd: z.number().positive().default(0.02).describe('Standard deviation of initial matrices and embeddings.'),
    init: z
      .enum(['normal', 'fairseq'])
      .optional()
      .describe(
        "normal: N(0, initStd), biases 0. fairseq: as fairseq's decoder starts, without initStd. Default: normal.",
      ),
    initScale: z
      .number()
      .positive()
      .optional()
      .describe(
        "init fairseq: gain initScale^-0.5 for q, k, v and out, as T2R's code draws linear attention (its default 8); default: softmax attention's gains.",
      ),
    adaptive: adaptive
      .optional()
      .describe(
        'Adaptive input embeddings and adaptive softmax (Baevski & Auli 2019); default: one table, one softmax.',
      ),
    finalNorm: z.boolean().optional().describe('A norm after the last pre-norm layer; default: true.'),
    layerDrop: rate
      .optional()
      .describe('Probability of skipping each layer, in training (Fan et al. 2020); default: 0.'),
    ...architectureOptions,
    attention: z
      .union([attention, z.array(attention)])
      .default({ use: 'softmax' })
      .describe('Attention of all layers, or a list with one per layer, first layer first.'),
  })
  .refine(({ init, initScale }) => initScale === undefined || init === 'fairseq', {
    path: ['initScale'],
    message: 'goes with init: fairseq',
  })
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
