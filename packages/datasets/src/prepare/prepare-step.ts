/** The step `text/prepare`: parallel text as translation models are trained on it, by Moses' scripts. */
import { join } from 'node:path';
import { defineComponent, type Step, stepRef, UserError } from '@t2r/core';
import type { BitextData } from '@t2r/tokenizers';
import { z } from 'zod';
import { isTestSplit } from '../bitext/splits.js';
import { describeFile } from '../corpus-files.js';
import type { PlannedBitext } from '../types.js';
import { cleanOptions } from './clean.js';
import { createPreparation, mosesLanguage, type PrepareOptions, prepareOptions, sideOptions } from './prepare-line.js';
import { prepareSplit } from './prepare-split.js';

const schema = z.strictObject({
  from: stepRef('bitext', 'The step whose parallel text is prepared.'),
  ...prepareOptions.shape,
  source: sideOptions.optional().describe('What is different for the source side.'),
  target: sideOptions.optional().describe('What is different for the target side.'),
  testSets: prepareOptions
    .optional()
    .describe('What is different for test sets, on both sides; goes before `source` and `target`.'),
  clean: cleanOptions
    .optional()
    .describe(
      "Leaves out pairs of the training and validation text by their numbers of words (Moses' clean-corpus-n.perl). Test sets stay whole.",
    ),
});

const given = (options: object | undefined): PrepareOptions =>
  Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined));

function createPrepareStep({ from, source, target, testSets, clean, ...both }: z.output<typeof schema>): Step {
  const sides = { source, target };
  return {
    produces: 'bitext',
    plan: ({ input }) => ({ produces: input(from).produces as PlannedBitext | undefined }),
    async run({ input, folder, events, signal }) {
      const text = input(from).data as BitextData;
      const data: BitextData = { source: text.source, target: text.target, splits: {} };
      const metrics: Record<string, number> = {};
      for (const [split, { pairs, ...files }] of Object.entries(text.splits)) {
        const isTest = isTestSplit(split);
        const prepare = (side: 'source' | 'target') => {
          const options = { ...both, ...given(sides[side]), ...(isTest ? given(testSets) : {}) };
          return createPreparation(sides[side]?.language ?? mosesLanguage(text[side]), options);
        };
        const paths = [join(folder, `${split}.${text.source}`), join(folder, `${split}.${text.target}`)];
        const counts = await prepareSplit(files, paths, {
          prepare: [prepare('source'), prepare('target')],
          clean: isTest ? undefined : { min: 1, ...clean },
          onProgress: (done) => events.progress(done, { total: pairs, unit: `pairs of ${split}` }),
          signal,
        });
        const reasons = Object.entries(counts.filtered).map(([reason, number]) => `${number} ${reason}`);
        if (counts.pairs === 0) {
          throw new UserError(`no pair of the split "${split}" is left; left out: ${reasons.join(', ')}`, {
            hint: 'loosen `clean`',
          });
        }
        if (reasons.length > 0)
          events.info(`${split}: ${counts.pairs} pairs; left out of ${pairs}: ${reasons.join(', ')}`);
        data.splits[split] = {
          source: await describeFile(paths[0]!),
          target: await describeFile(paths[1]!),
          pairs: counts.pairs,
        };
        metrics[`${split}.pairs`] = counts.pairs;
        metrics[`${split}.source.words`] = counts.sourceWords;
        metrics[`${split}.target.words`] = counts.targetWords;
        for (const [reason, number] of Object.entries(counts.filtered)) metrics[`${split}.filtered.${reason}`] = number;
      }
      return { metrics, data };
    },
  };
}

export const prepareStep = defineComponent({
  kind: 'step',
  name: 'text/prepare',
  description: "Prepares parallel text as Moses' scripts do: punctuation, tokens, lengths.",
  schema,
  create: createPrepareStep,
});
