/** Options that all training steps have in common. */
import { componentOption, notInKey, stepRef } from '@t2r/core';
import { z } from 'zod';
import { precisionOptions } from './precision.js';
import { seedOption } from './seed.js';

const evaluateSchema = z.strictObject({
  every: z.int().positive().describe('Evaluate after every so many steps, and after the last.'),
  batches: z.int().positive().optional().describe('Batches to evaluate on; default: the whole split.'),
  split: z.string().default('valid').describe('Split of the data to evaluate on.'),
});

/** The loop and the optimizer of any training step, to be spread into its schema. */
export const loopOptions = {
  accumulate: z.int().positive().default(1).describe('Batches whose mean gradient makes one optimizer step.'),
  optimizer: componentOption('optimizer', 'The optimizer, e.g. { use: adamw, betas: [0.9, 0.98] }.'),
  schedule: componentOption('schedule', 'The learning rate, e.g. { use: cosine, peak: 1e-3, warmup: 100 }.'),
  ...precisionOptions,
  clip: z.number().min(0).default(0).describe('Largest norm of the whole gradient; 0 = no clipping.'),
  keep: z
    .enum(['last', 'best'])
    .default('last')
    .describe('Which weights are the result: those of the last step or of the best evaluation.'),
  save: notInKey(
    z
      .strictObject({ every: z.int().positive().describe('Write a checkpoint after every so many steps.') })
      .optional()
      .describe('When to write checkpoints to resume from; default: once a minute.'),
  ),
  seed: seedOption,
};

/** What the training loop reads of a step's options. */
export interface LoopOptions extends z.output<z.ZodObject<typeof loopOptions>> {
  /** Optimizer steps; absent where `epochs` says it. */
  steps?: number;
  /** Passes over the data. */
  epochs?: number;
  /** Evaluations without a better one after which the run ends. */
  patience?: number;
  evaluate?: { every: number };
}

/** The data, the loop and the optimizer of a step that trains a language model, to be spread into its schema. */
export const trainingOptions = {
  from: stepRef('checkpoint', 'The step whose checkpoint training starts from; optimizer and schedule start afresh.'),
  data: stepRef('tokens', 'The step whose token blocks are trained on.'),
  split: z.string().default('train').describe('Split of the data to train on.'),
  steps: z.int().positive().describe('Optimizer steps.'),
  batch: z.int().positive().describe('Sequences in a batch.'),
  block: z.int().positive().describe('Tokens in a sequence.'),
  ...loopOptions,
  order: z
    .enum(['random', 'epochs'])
    .default('random')
    .describe('random: each sequence starts anywhere; epochs: all blocks once, shuffled, then again.'),
  evaluate: evaluateSchema.optional().describe('Perplexity on held-out text while training; default: none.'),
};

export type TrainingOptions = z.output<z.ZodObject<typeof trainingOptions>>;

/** Refuses `keep: best` without anything that could be best; for the schema's `refine`. */
export const keepIsMeasured = ({ keep, evaluate }: Pick<TrainingOptions, 'keep' | 'evaluate'>) =>
  keep === 'last' || evaluate !== undefined;
export const keepProblem = { path: ['keep'], message: 'keep: best needs evaluate' };
