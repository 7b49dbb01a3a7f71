/** Runs `translate/corpus`. */
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashFile, type StepContext, type StepResult, writeFileAtomic, writeFileAtomicWith } from '@t2r/core';
import type { BitextData, CorpusFile } from '@t2r/datasets';
import { checkpointTranslator, type Translator } from '@t2r/generation';
import type { CorpusOptions } from './corpus-step.js';
import { openSources, readSide, type SplitSources } from './split-sources.js';

/** Sentences of a part: what a kill can cost. */
const PART = 1024;
const PARTS_FOLDER = 'parts';

/** Writes the translations of a split in parts; those that are there are kept. @returns their paths, in order */
async function translateParts(
  translator: Translator,
  sources: SplitSources,
  split: string,
  options: CorpusOptions,
  { folder, events, signal }: StepContext,
): Promise<string[]> {
  const { beam, lengthPenalty, maxTokens, maxTokensPerSource } = options;
  const paths: string[] = [];
  await mkdir(join(folder, PARTS_FOLDER), { recursive: true });
  for (let first = 0; first < sources.count; first += PART) {
    const path = join(folder, PARTS_FOLDER, `${split}-${first}.txt`);
    paths.push(path);
    const last = Math.min(first + PART, sources.count);
    if (!existsSync(path)) {
      signal.throwIfAborted();
      const ids = Array.from({ length: last - first }, (_, i) => sources.source(first + i));
      const found = await translator.search(ids, { beam, lengthPenalty, maxTokens, maxTokensPerSource, signal });
      const lines = found.map(([best]) => (best?.text ?? '').replace(/[\r\n]+/g, ' ').trim());
      await writeFileAtomic(path, lines.map((line) => `${line}\n`).join(''));
    }
    events.progress(last, { total: sources.count, unit: `sentences of ${split}` });
  }
  return paths;
}

async function describe(path: string): Promise<CorpusFile> {
  return { path, sha256: await hashFile(path), bytes: (await stat(path)).size };
}

/** Joins files to one. */
async function joinFiles(paths: readonly string[], path: string): Promise<void> {
  await writeFileAtomicWith(path, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      for (const part of paths) await file.writeFile(await readFile(part));
    } finally {
      await file.close();
    }
  });
}

/** Translates the splits and leaves parallel text with them. */
export async function runCorpus(options: CorpusOptions, context: StepContext): Promise<StepResult> {
  const pairs = context.input(options.data);
  const text = context.input(options.text).data as BitextData;
  const { folder } = context;
  const engine = await context.create('engine', context.engineSpec).open();
  const data: BitextData = { ...text, splits: { ...text.splits } };
  const metrics: Record<string, number> = {};
  try {
    const { tokens, sentences } = options;
    const from = context.input(options.from).folder;
    const translator = await checkpointTranslator(from, { engine, context, tokens, sentences });
    try {
      for (const split of options.splits) {
        const sources = openSources(pairs, split);
        try {
          const parts = await translateParts(translator, sources, split, options, context);
          const lines = await readSide(text, split, 'source');
          const [source, target] = [join(folder, `${split}.${text.source}`), join(folder, `${split}.${text.target}`)];
          const kept = Array.from({ length: sources.count }, (_, pair) => `${lines[sources.line(pair)]}\n`);
          await writeFileAtomic(source, kept.join(''));
          await joinFiles(parts, target);
          data.splits[split] = { source: await describe(source), target: await describe(target), pairs: sources.count };
          metrics[`${split}.pairs`] = sources.count;
        } finally {
          sources.close();
        }
      }
    } finally {
      await translator.dispose();
    }
  } finally {
    await engine.dispose();
  }
  await rm(join(folder, PARTS_FOLDER), { recursive: true, force: true });
  return { metrics, data };
}
