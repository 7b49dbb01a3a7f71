/** Beam search against transformers' `generate`: the same hypotheses in the same order, with the same scores. */

import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { type BeamSearch, createBeamSearch, languageSearchModel, type StreamOptions } from '@t2r/generation';
import { buildLanguageModel } from '@t2r/models';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goldenModel } from '../zoo/golden-models.js';
import { type GoldenSearch, goldenSearches, newTokens, optionsOf } from './golden-searches.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
});
afterAll(() => engine.dispose());

const inputs = (golden: GoldenSearch) => golden.sequences.length / golden.settings.num_beams;

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
  const model = buildLanguageModel(config, createRegistry([attention]));
  const search = createBeamSearch({ engine, model: languageSearchModel(model, { weights }) });
  const { prompts, searches } = await goldenSearches<{ prompts: number[][]; searches: GoldenSearch[] }>('gpt2-tiny');
  expect(searches).toHaveLength(52);
  for (const golden of searches) await compare(search, prompts, prompts[0]!.length, golden, optionsOf(golden, 'cut'));
  await search.dispose();
});
