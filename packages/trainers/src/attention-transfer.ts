/** The step `train/attention-transfer`: new feature maps learn to imitate the attention they took the place of. */
import { componentOption, defineComponent, type Step } from '@t2r/core';
import { checkSplit, type PlannedTokens } from '@t2r/datasets';
import { z } from 'zod';
import { plannedConfig } from './model-plan.js';
import { checkBlock, planTransfer } from './train-plan.js';
import { keepIsMeasured, keepProblem, trainingOptions } from './training-options.js';

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
  create: (options): Step => ({
    produces: 'checkpoint',
    usesEngine: true,
    metricNames: () => [
      'train.loss',
      'steps',
      'tokens_per_s',
      'host_share',
      'peak_rss_bytes',
      ...(options.evaluate === undefined ? [] : ['valid.perplexity', 'best.step', 'best.valid.perplexity']),
    ],
    plan(context) {
      const { splits } = (context.input(options.data).produces ?? {}) as PlannedTokens;
      for (const split of [options.split, options.evaluate?.split]) if (split !== undefined) checkSplit(splits, split);
      const config = plannedConfig(context, options.from);
      if (config === undefined) return {};
      checkBlock(options.block, config);
      return planTransfer(options, config, context);
    },
    run: async (context) => (await import('./run-attention-transfer.js')).runAttentionTransfer(options, context),
  }),
});
