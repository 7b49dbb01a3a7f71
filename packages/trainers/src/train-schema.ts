/** The options of `train/lm`. */
import { componentOption, notInKey, stepRef } from '@t2r/core';
import { z } from 'zod';
import { loraOption } from './lora.js';
import { parameterOptions } from './parameter-patterns.js';
import { scaleIsUsed, scaleProblem } from './precision.js';
import { keepIsMeasured, keepProblem, trainingOptions } from './training-options.js';

const distillSchema = z.strictObject({
  teacher: stepRef('checkpoint', 'The step whose checkpoint teaches; it is not trained and runs without dropout.'),
  weight: z.number().gt(0).max(1).default(0.5).describe("Part of the teacher's term in the loss."),
  temperature: z.number().positive().default(1).describe("What both models' logits are divided by in that term."),
});

const progressiveSchema = z.strictObject({
  every: z.int().positive().describe('Steps from one layer to the next.'),
  first: z.enum(['top', 'bottom']).default('top').describe('Which converted layer is the first to change.'),
  attention: componentOption('attention', 'Attention of converted layers until it is their turn.').default({
    use: 'softmax',
  }),
});

export const trainLmSchema = z
  .strictObject({
    ...trainingOptions,
    ...parameterOptions,
    recompute: notInKey(
      z
        .enum(['none', 'layers'])
        .optional()
        .describe(
          'layers: keep only the inputs of layers for the backward pass, which computes the rest again: the same result from less memory in more time. Default: none.',
        ),
    ),
    lora: loraOption.optional(),
    labelSmoothing: z.number().min(0).lt(1).default(0).describe('Probability mass spread over the whole vocabulary.'),
    distill: distillSchema
      .optional()
      .describe(
        "Learn also from a teacher's probabilities: (1 - weight) * CE + weight * temperature^2 * KL; default: not.",
      ),
    progressive: progressiveSchema
      .optional()
      .describe('Let converted layers take up their new attention one after the other; default: all at once.'),
  })
  .refine(keepIsMeasured, keepProblem)
  .refine(scaleIsUsed, scaleProblem);

export type TrainLmOptions = z.output<typeof trainLmSchema>;
