/** The step `train/attention-transfer`: new feature maps learn to imitate the attention they took the place of. */
import { componentOption, defineComponent } from '@t2r/core';
import { z } from 'zod';
import { scaleIsUsed, scaleProblem } from './precision.js';
import { planTransfer } from './train-plan.js';
import { keepIsMeasured, keepProblem, trainingOptions } from './training-options.js';
import { trainingStep } from './training-step.js';

export const attentionTransferSchema = z
  .strictObject({
    ...trainingOptions,
    teacher: componentOption(
      'attention',
      'The attention to imitate, in every layer that has another one; it adds no parameters of its own.',
    ).default({ use: 'softmax' }),
    outputs: z
      .number()
      .min(0)
      .default(1)
      .describe('Factor of the squared error of attention outputs, relative to their mean square.'),
    weights: z.number().min(0).default(0).describe('Factor of the cross-entropy of attention weights.'),
  })
  .refine(keepIsMeasured, keepProblem)
  .refine(scaleIsUsed, scaleProblem)
  .refine(({ outputs, weights }) => outputs + weights > 0, {
    path: ['outputs'],
    message: 'outputs and weights cannot both be 0: nothing would be learned',
  });

export type AttentionTransferOptions = z.output<typeof attentionTransferSchema>;

export const attentionTransfer = defineComponent({
  kind: 'step',
  name: 'train/attention-transfer',
  description: 'Trains only new feature maps, to imitate the attention that a conversion took out (LoLCATs, Hedgehog).',
  schema: attentionTransferSchema,
  create: (options) =>
    trainingStep(options, {
      plan: (config, context) => planTransfer(options, config, context),
      run: async (context) => (await import('./run-attention-transfer.js')).runAttentionTransfer(options, context),
    }),
});
