/** Options that all models have in common: their layers, dropout, and how they start. */
import { z } from 'zod';

export const size = z.int().min(1);
export const rate = z.number().min(0).lt(1);

export const blockOptions = {
  activation: z
    .enum(['relu', 'gelu', 'gelu-new', 'silu'])
    .default('relu')
    .describe('Activation of the feed-forward blocks; gelu-new is its tanh approximation.'),
  norm: z
    .enum(['pre', 'post'])
    .default('pre')
    .describe('Layer norm before each block, with one more at the end, or after each residual sum.'),
  finalNorm: z.boolean().optional().describe('A norm after the last pre-norm layer; default: true.'),
  layerDrop: rate.optional().describe('Probability of skipping each layer, in training (Fan et al. 2020); default: 0.'),
};

export const SCALE_EMBEDDING =
  'Multiply embeddings by sqrt(dim); they are then drawn with standard deviation 1 / sqrt(dim).';

export const dropoutOptions = {
  dropout: rate.default(0).describe('Dropout on embeddings and after each block, in training.'),
  attentionDropout: rate.default(0).describe('Dropout on normalised attention weights, in training.'),
  activationDropout: rate.default(0).describe('Dropout after the activation of feed-forward blocks, in training.'),
};

export const initOptions = {
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
};

type InitChoice = { init?: string; initScale?: number };

/** Arguments of `refine`. */
export const initScaleRule: [(options: InitChoice) => boolean, { path: string[]; message: string }] = [
  ({ init, initScale }) => initScale === undefined || init === 'fairseq',
  { path: ['initScale'], message: 'goes with init: fairseq' },
];
