/** Beam search against transformers' `generate`: the same hypotheses in the same order, with the same scores. */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { type Engine, type HostArray, openEngine } from '@t2r/engine';
import {
  type BeamSearch,
  createBeamSearch,
  languageSearchModel,
  type StreamOptions,
  translationSearchModel,
} from '@t2r/generation';
import { buildLanguageModel, buildTranslationModel } from '@t2r/models';
import { importModel, openTensors, readTensors, readWeights } from '@t2r/zoo';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goldenModel } from '../zoo/golden-models.js';
import { type GoldenSearch, goldenSearches, newTokens, optionsOf } from './golden-searches.js';

const registry = createRegistry([attention]);

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
});
afterAll(() => engine.dispose());

const inputs = (golden: GoldenSearch) => golden.sequences.length / golden.settings.num_beams;

/** A model of a golden folder, for beam search. */
async function marian(): Promise<{ search: BeamSearch; expected: Record<string, { data: HostArray }> }> {
  const at = (file: string) =>
    fileURLToPath(new URL(`../fixtures/goldens/translation/marian-tiny/${file}`, import.meta.url));
  const reader = await openTensors(at('model.safetensors'));
  const theirs = JSON.parse(await readFile(at('config.json'), 'utf8'));
  const { config, tensors } = await importModel(theirs, reader, 'encoder-decoder');
  const weights = await readWeights(tensors);
  await reader.close();
  const model = translationSearchModel(buildTranslationModel(config, registry), { engine, weights });
  const { tensors: expected } = await readTensors(at('expected.safetensors'));
  return { search: createBeamSearch({ engine, model }), expected };
}

async function compare(
  search: BeamSearch,
  sources: readonly number[][],
  prompt: number,
  golden: GoldenSearch,
  options: StreamOptions,
): Promise<void> {
  const { settings, sequences, scores, end } = golden;
  const found = await search.search(sources, options);
  expect(found.length).toBe(inputs(golden));
  const label = JSON.stringify({ settings, end });
  for (const [i, hypotheses] of found.entries()) {
    const first = i * settings.num_beams;
    const expected = sequences.slice(first, first + settings.num_beams).map((row) => newTokens(row, prompt, end));
    expect(
      hypotheses.map(({ ids }) => ids),
      label,
    ).toEqual(expected);
    for (const [rank, { score }] of hypotheses.entries()) {
      // Theirs are sums in float32; a negative penalty multiplies them by the length.
      const theirs = scores?.[first + rank] ?? score;
      expect(Math.abs(score - theirs), label).toBeLessThan(1e-5 * Math.max(1, Math.abs(theirs) / 10));
    }
  }
}

test('GPT-2: 52 searches from prompts', async () => {
  const { config, weights } = await goldenModel('gpt2-tiny');
  const model = buildLanguageModel(config, registry);
  const search = createBeamSearch({ engine, model: languageSearchModel(model, { weights }) });
  const { prompts, searches } = await goldenSearches<{ prompts: number[][]; searches: GoldenSearch[] }>('gpt2-tiny');
  expect(searches).toHaveLength(52);
  for (const golden of searches) await compare(search, prompts, prompts[0]!.length, golden, optionsOf(golden, 'cut'));
  await search.dispose();
});

interface MarianSearches {
  sources: number[][];
  /** With the end token forced at the longest length. */
  forced: GoldenSearch[];
  /** Without; the padding token is banned. */
  free: GoldenSearch[];
}

test('Marian: 52 searches, sources of two lengths in one batch', async () => {
  const { search } = await marian();
  const { sources, forced, free } = await goldenSearches<MarianSearches>('marian-tiny');
  expect(forced.length + free.length).toBe(52);
  for (const golden of forced) await compare(search, sources, 1, golden, optionsOf(golden, 'free-end-token'));
  for (const golden of free)
    await compare(search, sources, 1, golden, { ...optionsOf(golden, 'cut'), suppressTokens: [0] });
  await search.dispose();
});

test('Marian: greedy and beam 4 as stored with the model', async () => {
  const { search, expected } = await marian();
  const { sources } = await goldenSearches<MarianSearches>('marian-tiny');
  for (const [name, beam] of [
    ['greedy', 1],
    ['beam4', 4],
  ] as const) {
    const { data } = expected[name]!;
    const length = data.length / sources.length;
    const found = await search.search(sources, {
      beam,
      lengthPenalty: beam === 1 ? 1 : 0.6,
      maxTokens: 15,
      atLimit: 'free-end-token',
      stopping: 'estimate',
    });
    const rows = sources.map((_, i) => Array.from(data.subarray(i * length, (i + 1) * length)));
    expect(found.map(([best]) => best!.ids)).toEqual(rows.map((row) => newTokens(row, 1, 2)));
  }
  await search.dispose();
});
