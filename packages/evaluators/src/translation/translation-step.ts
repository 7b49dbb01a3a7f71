/** The step `evaluate/translation`: translations of test sets by beam search, and sacreBLEU's scores of them. */
import { defineComponent, type Step } from '@t2r/core';
import { checkSplit, type PlannedPairs } from '@t2r/datasets';
import { type TranslationOptions, translationMetricNames, translationSchema } from './translation-schema.js';

function createTranslationStep(options: TranslationOptions): Step {
  const { of, data, splits, beam } = options;
  return {
    produces: 'metrics',
    usesEngine: true,
    metricNames: () =>
      of.flatMap(({ step }) => splits.flatMap((split) => translationMetricNames(step, split, options))),
    plan({ input }) {
      const pairs = (input(data).produces ?? {}) as PlannedPairs;
      if (pairs.splits !== undefined) for (const split of splits) checkSplit(pairs.splits, split);
      return { note: `${of.length} checkpoints on ${splits.length} splits, beam ${beam}` };
    },
    run: async (context) => (await import('./run-translation.js')).runTranslation(options, context),
  };
}

export const translationStep = defineComponent({
  kind: 'step',
  name: 'evaluate/translation',
  description: 'Translates test sets by beam search; BLEU, chrF and TER as sacreBLEU computes them, with signatures.',
  schema: translationSchema,
  create: createTranslationStep,
});
