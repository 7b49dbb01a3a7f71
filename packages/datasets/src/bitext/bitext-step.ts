/**
 * The step `dataset/bitext`: parallel text from pairs of files or from tables, checked and filtered, as two files a split
 * whose lines correspond.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { defineComponent, type EventSink, type Step, UserError } from '@t2r/core';
import type { BitextData } from '@t2r/tokenizers';
import { describeFile } from '../corpus-files.js';
import type { PlannedBitext } from '../types.js';
import { checkFiles, DOWNLOADS, filesFingerprint, locateFiles } from './locate.js';
import { noCounts, readSplit, type SplitCounts, type SplitOutput } from './read-split.js';
import { type BitextOptions, bitextSchema } from './schema.js';
import { checkNames, heldOut, isTestSplit, plannedSplits, splitNames } from './splits.js';
import { writeLines } from './write-lines.js';

function createBitextStep(options: BitextOptions): Step {
  const { source, target } = options;
  const names = splitNames(options);
  return {
    produces: 'bitext',
    async check() {
      const clashes = checkNames(options);
      return clashes.length > 0 ? clashes : checkFiles(options);
    },
    plan: () => ({ produces: { splits: names, source, target } satisfies PlannedBitext }),
    fingerprint: () => filesFingerprint(options),
    async run({ folder, events, signal }) {
      const locate = await locateFiles(options, { folder, events, signal });
      const data: BitextData = { source, target, splits: {} };
      const metrics: Record<string, number> = {};
      const every = heldOut(options);
      for (const split of plannedSplits(options)) {
        const outputs = (split.name === 'train' && every !== undefined ? ['train', 'valid'] : [split.name]).map(
          (name, i): SplitOutput => ({ name, source: 2 * i, target: 2 * i + 1, counts: noCounts() }),
        );
        const paths = outputs.flatMap(({ name }) => [
          join(folder, `${name}.${source}`),
          join(folder, `${name}.${target}`),
        ]);
        const [output, second] = outputs;
        await writeLines(paths, (writer) =>
          readSplit(split, output!, second && { every: every!, output: second }, {
            options,
            locate,
            writer,
            events,
            signal,
          }),
        );
        for (const { name, source: a, target: b, counts } of outputs) {
          report(name, counts, events);
          Object.assign(metrics, metricsOf(name, counts));
          data.splits[name] = {
            source: await describeFile(paths[a]!),
            target: await describeFile(paths[b]!),
            pairs: counts.pairs,
          };
        }
      }
      await rm(join(folder, DOWNLOADS), { recursive: true, force: true });
      return { metrics, data };
    },
  };
}

const counted = (counts: Partial<Record<string, number>>) =>
  Object.entries(counts).map(([kind, number]) => `${number} ${kind}`);

/** Says what was left out. @throws UserError when nothing is left. */
function report(split: string, { read, pairs, bad, filtered }: SplitCounts, events: EventSink): void {
  const reasons = [...counted(bad).map((text) => `${text} (bad)`), ...counted(filtered)];
  if (pairs === 0) {
    const why = reasons.length === 0 ? 'its files hold none' : `left out: ${reasons.join(', ')}`;
    throw new UserError(`no pair of the split "${split}" is left: ${why}`, { hint: 'check its files and the filters' });
  }
  const text = `${split}: ${pairs} pairs${reasons.length === 0 ? '' : `; left out of ${read}: ${reasons.join(', ')}`}`;
  // Scores on a part of a test set compare with no others.
  if (isTestSplit(split) && pairs < read) events.warn(text);
  else events.info(text);
}

function metricsOf(split: string, { read, pairs, sourceWords, targetWords, bad, filtered }: SplitCounts) {
  const metrics: Record<string, number> = {
    [`${split}.read`]: read,
    [`${split}.pairs`]: pairs,
    [`${split}.source.words`]: sourceWords,
    [`${split}.target.words`]: targetWords,
  };
  for (const [kind, number] of Object.entries(bad)) metrics[`${split}.bad.${kind}`] = number;
  for (const [reason, number] of Object.entries(filtered)) metrics[`${split}.filtered.${reason}`] = number;
  return metrics;
}

export const bitextStep = defineComponent({
  kind: 'step',
  name: 'dataset/bitext',
  description: 'Parallel text for translation, from pairs of files, tables or archives, checked and filtered.',
  schema: bitextSchema,
  create: createBitextStep,
});
