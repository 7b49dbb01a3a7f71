/** Options of the step `evaluate/perplexity`. */
import { stepRef } from '@t2r/core';
import { z } from 'zod';

export const perplexitySchema = z
  .strictObject({
    of: z.array(stepRef('checkpoint', 'A step that leaves a checkpoint.')).min(1).describe('Checkpoints to evaluate.'),
    data: stepRef('tokens', 'The tokens they are evaluated on.'),
    splits: z.array(z.string()).min(1).default(['valid', 'test']).describe('Splits of the data.'),
    window: z.int().min(1).default(256).describe('Positions the model sees at once.'),
    stride: z
      .int()
      .min(1)
      .optional()
      .describe(
        'Distance between windows; smaller than the window gives every scored token more context. Default: the window.',
      ),
    documents: z
      .enum(['joined', 'separate'])
      .optional()
      .describe(
        'joined: windows over the whole split. separate: each document alone, from its first token on, e.g. sentences of a corpus with documents: lines. Default: joined.',
      ),
    weights: z
      .enum(['fp32', 'fp16', 'int8', 'int4'])
      .optional()
      .describe('How weights are stored while scoring: what decoding with them costs in quality. Default: fp32.'),
    batch: z.int().min(1).default(8).describe('Windows computed at once; does not change the result.'),
  })
  .refine(({ window, stride = window }) => stride <= window, {
    path: ['stride'],
    error: 'stride is larger than window: the tokens between two windows would not be scored',
  });

export type PerplexityOptions = z.output<typeof perplexitySchema>;
