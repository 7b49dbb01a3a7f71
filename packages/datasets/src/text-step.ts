/** The step `dataset/text`: a corpus of text files that lie on disk. */
import { createHash } from 'node:crypto';
import { defineComponent, hashFile, pathOption, type Step, type StepProblem, UserError } from '@t2r/core';
import { z } from 'zod';
import { checkTextFile, describeFile, listFiles } from './corpus-files.js';
import type { CorpusData, CorpusFile, PlannedCorpus } from './types.js';

const paths = (split: string) => {
  const description = `Text of the ${split} split: UTF-8 files, plain or gzip, and folders, whose files count in the order of their names. Each file is one document.`;
  return z.union([pathOption(description), z.array(pathOption(description)).min(1)]).describe(description);
};

const schema = z.strictObject({
  train: paths('train'),
  valid: paths('valid').optional(),
  test: paths('test').optional(),
});

function createTextStep(options: z.output<typeof schema>): Step {
  const splits = Object.entries(options).flatMap(([split, value]) =>
    value === undefined ? [] : [{ split, paths: [value].flat(), single: typeof value === 'string' }],
  );
  return {
    produces: 'corpus',
    async check() {
      const problems: StepProblem[] = [];
      for (const { split, paths, single } of splits) {
        for (const [index, path] of paths.entries()) {
          try {
            for (const file of await listFiles(path)) await checkTextFile(file);
          } catch (error) {
            if (!(error instanceof UserError)) throw error;
            problems.push({ path: single ? [split] : [split, index], message: error.message, hint: error.hint });
          }
        }
      }
      return problems;
    },
    plan: () => ({ produces: { splits: splits.map(({ split }) => split) } satisfies PlannedCorpus }),
    async fingerprint() {
      const hash = createHash('sha256');
      for (const { split, paths } of splits) {
        for (const path of paths) {
          for (const file of await listFiles(path)) hash.update(`${split} ${await hashFile(file)}\n`);
        }
      }
      return hash.digest('hex');
    },
    async run({ events }) {
      const data: CorpusData = { splits: {} };
      const metrics: Record<string, number> = {};
      for (const { split, paths } of splits) {
        const files: CorpusFile[] = [];
        // One after the other: a folder may hold more files than a process may open.
        for (const path of paths) for (const file of await listFiles(path)) files.push(await describeFile(file));
        data.splits[split] = { files };
        metrics[`${split}.files`] = files.length;
      }
      events.info(splits.map(({ split }) => `${split}: ${metrics[`${split}.files`]} files`).join(', '));
      return { metrics, data };
    },
  };
}

export const textStep = defineComponent({
  kind: 'step',
  name: 'dataset/text',
  description: 'Text files and folders on disk, plain or gzip.',
  schema,
  create: createTextStep,
});
