/**
 * The step `translate/corpus`: parallel text whose target side a model has written. A student that learns from it distils the
 * model at the level of sequences (Kim and Rush 2016, arXiv 1606.07947).
 */
import { defineComponent, type Step, stepRef } from '@t2r/core';
import { checkSplit, type PlannedPairs } from '@t2r/datasets';
import { z } from 'zod';
import { searchOptions } from './search-options.js';

export const corpusSchema = z.strictObject({
  from: stepRef('checkpoint', 'The step whose checkpoint translates.'),
  data: stepRef('pairs', 'The pairs whose sources are translated.'),
  text: stepRef('bitext', 'The text that the pairs were made from; its source side and its other splits are kept.'),
  splits: z.array(z.string()).min(1).default(['train']).describe('Splits to translate.'),
  ...searchOptions,
});

export type CorpusOptions = z.output<typeof corpusSchema>;

function createCorpusStep(options: CorpusOptions): Step {
  return {
    produces: 'bitext',
    usesEngine: true,
    plan({ input }) {
      const { splits } = (input(options.data).produces ?? {}) as PlannedPairs;
      if (splits !== undefined) for (const split of options.splits) checkSplit(splits, split);
      return { produces: input(options.text).produces };
    },
    run: async (context) => (await import('./run-corpus.js')).runCorpus(options, context),
  };
}

export const corpusStep = defineComponent({
  kind: 'step',
  name: 'translate/corpus',
  description:
    'Translates parallel text by beam search, for training on the translations; resumes where it was interrupted.',
  schema: corpusSchema,
  create: createCorpusStep,
});
