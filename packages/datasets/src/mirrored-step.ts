/**
 * The step `dataset/mirrored`: a corpus of named files with known checksums. They are read where they lie when `root` is
 * set, and downloaded from `mirror` otherwise.
 */
import { join } from 'node:path';
import {
  addressBelow,
  addressProblem,
  defineComponent,
  download,
  fileName,
  isFolder,
  notInKey,
  pathOption,
  problemWith,
  type Step,
  type StepContext,
  type StepProblem,
  sha256Option,
  UserError,
} from '@t2r/core';
import { z } from 'zod';
import { describeFile } from './corpus-files.js';
import type { CorpusData, PlannedCorpus } from './types.js';

const files = (split: string) =>
  z
    .record(fileName, sha256Option)
    .describe(`Files of the ${split} split, in order: path under root or mirror, and SHA-256. Each is one document.`);

const ROOT = 'Folder that holds the files. Left empty, they are downloaded from `mirror`.';

const schema = z.strictObject({
  root: pathOption(ROOT).nullish().describe(ROOT),
  mirror: notInKey(
    z.string().nullish().describe('Address under which the files lie, http or https; used when `root` is empty.'),
  ),
  train: files('train'),
  valid: files('valid').optional(),
  test: files('test').optional(),
});

function createMirroredStep({ root, mirror, ...named }: z.output<typeof schema>): Step {
  const splits = Object.entries(named).flatMap(([split, entries]) =>
    entries === undefined ? [] : [{ split, files: Object.entries(entries) }],
  );
  return {
    produces: 'corpus',
    async check() {
      if (!root) return checkMirror(mirror);
      if (!(await isFolder(root))) {
        return [{ path: ['root'], message: `no such folder: ${root}`, hint: 'leave `root` empty to download' }];
      }
      const problems: StepProblem[] = [];
      for (const { split, files } of splits) {
        for (const [name, sha256] of files) {
          const message = await problemWith(join(root, name), sha256);
          if (message !== undefined) {
            problems.push({
              path: [split, name],
              message,
              hint: 'mend the folder `root`, or leave it empty to download',
            });
          }
        }
      }
      return problems;
    },
    plan: () => ({ produces: { splits: splits.map(({ split }) => split) } satisfies PlannedCorpus }),
    async run(context) {
      const total = splits.reduce((sum, { files }) => sum + files.length, 0);
      const data: CorpusData = { splits: {} };
      const metrics: Record<string, number> = {};
      let done = 0;
      for (const { split, files } of splits) {
        const described = [];
        for (const [name, sha256] of files) {
          context.signal.throwIfAborted();
          context.events.progress(done++, { total, unit: 'files' });
          described.push(await describeFile(await locate(name, sha256, { root, mirror, context })));
        }
        data.splits[split] = { files: described };
        metrics[`${split}.files`] = described.length;
      }
      context.events.progress(total, { total, unit: 'files' });
      return { metrics, data };
    },
  };
}

function checkMirror(mirror: string | null | undefined): StepProblem[] {
  if (!mirror) {
    return [
      {
        path: ['root'],
        message: 'nowhere to take the files from: `root` and `mirror` are both empty',
        hint: 'set T2R_DATA to the folder that holds them or T2R_MIRROR to an address that serves them (or the options themselves)',
      },
    ];
  }
  return addressProblem(['mirror'], mirror);
}

/** Path of a file that is there and has been checked: where it lies under `root`, or its download in the step's folder. */
async function locate(
  name: string,
  sha256: string,
  { root, mirror, context }: { root?: string | null; mirror?: string | null; context: StepContext },
): Promise<string> {
  const path = join(root ? root : context.folder, name);
  const problem = await problemWith(path, sha256);
  if (problem === undefined) return path;
  if (root) throw new UserError(problem, { hint: 'mend the folder `root`, or leave it empty to download' });
  await download(addressBelow(mirror!, name), path, { checksum: { sha256 }, signal: context.signal });
  return path;
}

export const mirroredStep = defineComponent({
  kind: 'step',
  name: 'dataset/mirrored',
  description: 'Text files with known checksums, from a folder or downloaded from a mirror.',
  schema,
  create: createMirroredStep,
});
