/** The step `dataset/synthetic`: stories made here, so that a recipe runs where there is no data. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { defineComponent, type Step, writeFileAtomicWith } from '@t2r/core';
import { z } from 'zod';
import { describeFile } from './corpus-files.js';
import { generateStories } from './stories.js';
import type { CorpusData, PlannedCorpus } from './types.js';

const size = (split: string, bytes: number) =>
  z
    .int()
    .min(1000)
    .default(bytes)
    .describe(`Bytes of text in the ${split} split; it ends with the story that reaches them.`);

const schema = z.strictObject({
  train: size('train', 1_500_000),
  valid: size('valid', 60_000),
  test: size('test', 60_000),
  seed: z.int().nonnegative().default(1).describe("Seed of the stories; the splits draw from it apart. Not the run's."),
});

function createSyntheticStep({ seed, ...sizes }: z.output<typeof schema>): Step {
  return {
    produces: 'corpus',
    plan: () => ({ produces: { splits: Object.keys(sizes) } satisfies PlannedCorpus }),
    async run({ folder, signal }) {
      const data: CorpusData = { splits: {} };
      const metrics: Record<string, number> = {};
      for (const [split, bytes] of Object.entries(sizes)) {
        const path = join(folder, `${split}.txt`);
        await writeStories(path, generateStories(bytes, seed, split), signal);
        const file = await describeFile(path);
        data.splits[split] = { files: [file] };
        metrics[`${split}.bytes`] = file.bytes;
      }
      return { metrics, data };
    },
  };
}

/** Stories written at once. */
const STORIES = 200;

/** Writes stories as they are made, so that a large corpus needs no memory and can be interrupted. */
async function writeStories(path: string, stories: Iterable<string>, signal: AbortSignal): Promise<void> {
  await writeFileAtomicWith(path, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      let piece: string[] = [];
      const flush = async () => {
        signal.throwIfAborted();
        await file.writeFile(piece.join(''));
        piece = [];
      };
      for (const story of stories) if (piece.push(story) === STORIES) await flush();
      await flush();
    } finally {
      await file.close();
    }
  });
}

export const syntheticStep = defineComponent({
  kind: 'step',
  name: 'dataset/synthetic',
  description: 'Little English stories made from a grammar, always the same for a seed.',
  schema,
  create: createSyntheticStep,
});
