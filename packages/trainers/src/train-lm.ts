/** The step `train/lm`: pretraining and finetuning are the same step with different inputs. */
import { defineComponent, type Step } from '@t2r/core';
import { checkSplit, type PlannedTokens } from '@t2r/datasets';
import { plannedConfig } from './model-plan.js';
import { checkBlock, planTraining } from './train-plan.js';
import { trainLmSchema } from './train-schema.js';

export const trainLm = defineComponent({
  kind: 'step',
  name: 'train/lm',
  description: 'Trains a language model; resumes exactly where it was interrupted.',
  schema: trainLmSchema,
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
      return planTraining(options, config, context);
    },
    run: async (context) => (await import('./run-train-lm.js')).runTrainLm(options, context),
  }),
});
