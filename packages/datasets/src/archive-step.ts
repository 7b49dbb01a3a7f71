/**
 * The step `dataset/archive`: a corpus of members of one zip or tar archive. Where `root` is set, the archive
 * or its unpacked members are taken from there; otherwise it is downloaded.
 */
import { join } from 'node:path';
import { defineComponent, fileName, type Step, type StepProblem, UserError } from '@t2r/core';
import { z } from 'zod';
import {
  archiveFingerprint,
  archiveOptions,
  checkAddresses,
  checkLocalArchive,
  findLocal,
  obtainMembers,
} from './archive-source.js';
import { checkTextFile, describeFile } from './corpus-files.js';
import type { CorpusData, PlannedCorpus } from './types.js';
import { memberNames } from './unpack.js';
import { missingMember } from './unzip.js';

const members = (split: string) => {
  const description = `Text of the ${split} split: UTF-8 members of the archive, in order. Each is one document.`;
  const name = fileName.describe(description);
  return z.union([name, z.array(name).min(1)]).describe(description);
};

const schema = z.strictObject({
  ...archiveOptions,
  train: members('train'),
  valid: members('valid').optional(),
  test: members('test').optional(),
});

function createArchiveStep(options: z.output<typeof schema>): Step {
  const splits = (['train', 'valid', 'test'] as const).flatMap((split) => {
    const value = options[split];
    return value === undefined ? [] : [{ split, names: [value].flat(), single: !Array.isArray(value) }];
  });
  const all = [...new Set(splits.flatMap(({ names }) => names))];

  /** The problems of single members, each at the option that names it. */
  async function checkMembers(check: (name: string) => Promise<void> | void): Promise<StepProblem[]> {
    const problems: StepProblem[] = [];
    for (const { split, names, single } of splits) {
      for (const [index, name] of names.entries()) {
        try {
          await check(name);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          problems.push({ path: single ? [split] : [split, index], message: error.message, hint: error.hint });
        }
      }
    }
    return problems;
  }

  return {
    produces: 'corpus',
    async check() {
      const local = await findLocal(options, all);
      if (local === undefined) return checkAddresses(options);
      if (local.kind === 'nothing') return [local.problem];
      if (local.kind === 'members') return checkMembers((name) => checkTextFile(join(local.folder, name)));
      const problem = await checkLocalArchive(local.path, options);
      if (problem !== undefined) return [problem];
      const found = await memberNames(local.path);
      return checkMembers((name) => {
        if (found?.includes(name) === false) throw missingMember(local.path, name, found);
      });
    },
    plan: () => ({ produces: { splits: splits.map(({ split }) => split) } satisfies PlannedCorpus }),
    fingerprint: () => archiveFingerprint(options, all),
    async run(context) {
      const folder = await obtainMembers(options, all, context);
      const data: CorpusData = { splits: {} };
      const metrics: Record<string, number> = {};
      for (const { split, names } of splits) {
        const files = [];
        for (const name of names) files.push(await describeFile(join(folder, name)));
        data.splits[split] = { files };
        metrics[`${split}.files`] = files.length;
      }
      return { metrics, data };
    },
  };
}

export const archiveStep = defineComponent({
  kind: 'step',
  name: 'dataset/archive',
  description: 'Text files out of a zip or tar archive, from a folder or downloaded.',
  schema,
  create: createArchiveStep,
});
