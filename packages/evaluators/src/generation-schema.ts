/** Options of the step `evaluate/generation`. */
import { stepRef } from '@t2r/core';
import { z } from 'zod';

const count = (description: string, value: number) => z.int().min(1).default(value).describe(description);

export const generationSchema = z.strictObject({
  of: z.array(stepRef('checkpoint', 'A step that leaves a checkpoint.')).min(1).describe('Checkpoints to measure.'),
  positions: z
    .array(z.int().min(1))
    .min(1)
    .default([200, 1000, 4000, 16000])
    .describe('Numbers of tokens in the state at which decoding is timed; those past learned positions are skipped.'),
  tokens: count('Tokens timed at a position in each round.', 10),
  rounds: count('Rounds over the positions; the speed is the median over all tokens timed.', 20),
  warmup: z.int().min(0).default(2).describe('Untimed tokens before the timed ones.'),
  prompt: z
    .string()
    .default('The')
    .describe("Prompt of the sample text; empty stands for the tokenizer's end-of-text token."),
  sample: z
    .strictObject({
      tokens: z.int().min(0).default(100).describe('Tokens of the sample text; 0 makes none.'),
      temperature: z.number().min(0).default(0.8).describe('Logits are divided by it; 0 is greedy.'),
      topP: z
        .number()
        .gt(0)
        .max(1)
        .default(0.95)
        .describe('Smallest set of likely tokens with this probability is kept.'),
      seed: z.int().default(1).describe('Seed of the draws.'),
    })
    .prefault({})
    .describe('How the sample text is drawn.'),
});

export type GenerationOptions = z.output<typeof generationSchema>;
