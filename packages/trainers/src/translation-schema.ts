/** The options of `train/translation`. */
import { stepRef } from '@t2r/core';
import { z } from 'zod';
import { parameterOptions } from './parameter-patterns.js';
import { scaleIsUsed, scaleProblem } from './precision.js';
import { keepIsMeasured, keepProblem, loopOptions } from './training-options.js';

const count = z.int().positive();

const bleuSchema = z.strictObject({
  beam: count.default(5).describe('Hypotheses that are followed.'),
  lengthPenalty: z.number().default(1).describe('Exponent of the length that scores are divided by.'),
  sentences: count.optional().describe('Translate only so many sentences, the first; default: the whole split.'),
  maxTokens: count.default(200).describe('Tokens of a translation at most.'),
});
export type BleuOptions = z.output<typeof bleuSchema>;

const evaluateSchema = z.strictObject({
  every: count.describe('Evaluate after every so many steps, and after the last.'),
  split: z.string().default('valid').describe('Split of the data to evaluate on.'),
  bleu: bleuSchema
    .optional()
    .describe(
      'Translate the split by beam search and score it with BLEU, which is then what is best; default: loss alone.',
    ),
});

const averageSchema = z
  .strictObject({
    last: count.optional().describe('The last so many.'),
    best: count.optional().describe('The best so many, by BLEU where it is measured, else by perplexity.'),
  })
  .refine(({ last, best }) => (last === undefined) !== (best === undefined), { message: 'expected last or best' });

export const trainTranslationSchema = z
  .strictObject({
    from: stepRef('checkpoint', 'The step whose checkpoint training starts from; optimizer and schedule start afresh.'),
    data: stepRef('pairs', 'The step whose pairs are trained on.'),
    split: z.string().default('train').describe('Split of the data to train on.'),
    steps: count.optional().describe('Optimizer steps.'),
    epochs: z.number().positive().optional().describe('Passes over the training text, in place of steps.'),
    tokens: count
      .default(4096)
      .describe('Most tokens of a batch on either side, padding included: rows times the longest sentence.'),
    shapes: count
      .max(32)
      .default(8)
      .describe('Shapes of batches at most; each needs a compiled program, and fewer mean more padding.'),
    ...loopOptions,
    ...parameterOptions,
    labelSmoothing: z.number().min(0).lt(1).default(0.1).describe('Probability mass spread over the whole vocabulary.'),
    evaluate: evaluateSchema.optional().describe('Measures on held-out text while training; default: none.'),
    average: averageSchema
      .optional()
      .describe('The result is the mean of the weights of several evaluations; default: those that `keep` says.'),
    patience: count
      .optional()
      .describe('End the run after so many evaluations in a row without a better one; default: never.'),
  })
  .refine(({ steps, epochs }) => (steps === undefined) !== (epochs === undefined), {
    path: ['steps'],
    message: 'expected steps or epochs',
  })
  .refine(keepIsMeasured, keepProblem)
  .refine(scaleIsUsed, scaleProblem)
  .refine(({ keep, average }) => average === undefined || keep === 'last', {
    path: ['average'],
    message: 'average takes the place of keep: best; its own `best: 1` means the same',
  })
  .refine(({ average, patience, evaluate }) => evaluate !== undefined || (average ?? patience) === undefined, {
    path: ['evaluate'],
    message: 'average and patience need evaluate',
  });

export type TrainTranslationOptions = z.output<typeof trainTranslationSchema>;
