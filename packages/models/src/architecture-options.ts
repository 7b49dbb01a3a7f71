/**
 * What sets architectures apart besides their sizes, all optional: a model that leaves everything out is the plain decoder.
 * Recipes and checkpoints share these fields, see `LmConfig` for what absence means.
 */
import { z } from 'zod';

const size = z.int().min(1);
const positive = z.number().positive();

const scaling = z
  .strictObject({
    type: z
      .enum(['linear', 'dynamic', 'llama3'])
      .describe(
        'linear: positions divided by factor. dynamic: a base that grows with the text beyond maxPositions. llama3: low frequencies divided by factor.',
      ),
    factor: positive.describe('How much longer texts may get.'),
    maxPositions: size.optional().describe('Length of the pretrained texts; for dynamic and llama3.'),
    lowFrequencyFactor: positive
      .optional()
      .describe('llama3: frequencies of fewer turns in that length are divided; default: 1.'),
    highFrequencyFactor: positive
      .optional()
      .describe('llama3: frequencies of more turns in that length stay; default: 4.'),
  })
  .refine(({ type, maxPositions }) => type === 'linear' || maxPositions !== undefined, {
    path: ['maxPositions'],
    message: 'must be given for dynamic and llama3',
  });

const rotary = z.strictObject({
  base: positive.optional().describe('Frequencies are base^(-2j / columns); default: 10000.'),
  fraction: z.number().gt(0).max(1).optional().describe("Part of a head's columns that is turned; default: 1."),
  pairs: z
    .enum(['halves', 'interleaved'])
    .optional()
    .describe('Columns j and j + half are turned together (default), or 2j and 2j + 1.'),
  scaling: scaling.optional().describe('Frequencies for texts longer than the pretrained ones; default: none.'),
});

const biases = z.strictObject({
  qkv: z.boolean().optional().describe('Of the projections to queries, keys and values; default: true.'),
  out: z.boolean().optional().describe('Of the projection after the heads; default: true.'),
  ffn: z.boolean().optional().describe('Of the feed-forward blocks; default: true.'),
});

/** Optional fields of a model's configuration, for z.strictObject or z.object. */
export const architectureOptions = {
  embeddingNorm: z
    .boolean()
    .optional()
    .describe('A norm on embeddings with their positions, before dropout, as BLOOM and BART; default: false.'),
  headDim: size.optional().describe('Width of a head; default: dim / heads.'),
  kvHeads: size
    .optional()
    .describe('Heads of keys and values, each for heads / kvHeads heads of queries; default: heads.'),
  normKind: z
    .enum(['layer', 'rms'])
    .optional()
    .describe('Layer norms, or root mean square norms without bias; default: layer.'),
  normEpsilon: positive.optional().describe('Added to the variance in norms; default: 1e-5.'),
  parallelResidual: z
    .boolean()
    .optional()
    .describe('Attention and feed-forward block of a pre-norm layer both read its input, as GPT-NeoX; default: false.'),
  gated: z
    .boolean()
    .optional()
    .describe('Feed-forward blocks fc2(activation(gate(x)) * fc1(x)), as SwiGLU with silu; default: false.'),
  biases: biases.optional().describe('Which linear layers have biases; default: all.'),
  outputBias: z.boolean().optional().describe('A bias on the scores of tokens; default: false.'),
  embedDim: size
    .optional()
    .describe('Width of the token table, brought to dim and back by projections; default: dim, without projections.'),
  positionOffset: z
    .int()
    .min(0)
    .optional()
    .describe('Number of the first position of learned or sinusoidal ones (OPT, fairseq: 2); default: 0.'),
  sinusoids: z
    .enum(['tensor2tensor', 'marian', 'vaswani'])
    .optional()
    .describe('Layout and frequencies of sinusoidal positions; default: tensor2tensor.'),
  rotary: rotary.optional().describe('How positions: rotary turns queries and keys.'),
};
