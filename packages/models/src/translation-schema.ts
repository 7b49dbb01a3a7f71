/** Options of the encoder-decoder, as recipes write them; the vocabularies come with the tokenizers. */
import { z } from 'zod';
import { architectureOptions } from './architecture-options.js';
import { blockOptions, dropoutOptions, initOptions, initScaleRule, SCALE_EMBEDDING, size } from './block-options.js';
import { attentionLayers } from './schema.js';

const stack = z.strictObject({
  layers: size.describe('Number of layers.'),
  heads: size.describe('Attention heads; dim is a multiple of it.'),
  ffn: size.describe('Width of the feed-forward blocks.'),
  layerDrop: blockOptions.layerDrop,
});

const id = z.int().min(0);

/** Optional fields of the configuration; recipes and checkpoints share them. */
export const translationOptions = {
  finalNorm: z.boolean().optional().describe('A norm after the last pre-norm layer of each stack; default: true.'),
  embeddingNorm: architectureOptions.embeddingNorm,
  normKind: architectureOptions.normKind,
  normEpsilon: architectureOptions.normEpsilon,
  gated: architectureOptions.gated,
  biases: architectureOptions.biases,
  positionOffset: architectureOptions.positionOffset,
  sinusoids: architectureOptions.sinusoids,
  outputBias: architectureOptions.outputBias,
  init: initOptions.init,
  initScale: initOptions.initScale,
  tokens: z
    .strictObject({
      start: id.describe("The decoder's first input."),
      end: id.describe('The end of source and target.'),
      padding: id.describe('What rows are filled up with.'),
    })
    .optional()
    .describe("Token ids that the model was trained with; default: the tokenizer's."),
};

/** `{ use: encoder-decoder, dim: 256, encoder: { layers: 3, heads: 4, ffn: 1024 }, decoder: { ... }, cross: { use: softmax } }` */
export const encoderDecoderSchema = z
  .strictObject({
    dim: size.describe('Width of the model.'),
    encoder: stack.describe('The stack that reads the source, with softmax attention.'),
    decoder: stack.describe('The stack that writes the target.'),
    activation: blockOptions.activation,
    norm: blockOptions.norm,
    positions: z
      .enum(['learned', 'sinusoidal', 'none'])
      .default('sinusoidal')
      .describe('Positions that are added to embeddings; learned ones have a longest position.'),
    maxPositions: size.default(512).describe('Longest source or target of learned positions.'),
    shareEmbeddings: z
      .boolean()
      .default(true)
      .describe('One table of tokens for source and target, which needs one vocabulary.'),
    tieOutput: z.boolean().default(true).describe("Use the target's table as output projection."),
    scaleEmbedding: z.boolean().default(true).describe(SCALE_EMBEDDING),
    ...dropoutOptions,
    ...translationOptions,
    initStd: initOptions.initStd,
    attention: attentionLayers('Self-attention of the decoder: that'),
    cross: attentionLayers('Attention of the decoder to the source: that'),
  })
  .refine(...initScaleRule)
  .superRefine(({ dim, attention, cross, ...stacks }, { addIssue }) => {
    const refuse = (path: string[], message: string) => addIssue({ code: 'custom', path, message });
    for (const side of ['encoder', 'decoder'] as const)
      if (dim % stacks[side].heads !== 0) refuse([side, 'heads'], 'must divide dim');
    for (const [name, specs] of Object.entries({ attention, cross }))
      if (Array.isArray(specs) && specs.length !== stacks.decoder.layers)
        refuse([name], 'must be one attention, or a list with one per layer of the decoder');
  });
