import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  exhaustive,
  type NextLogProbs,
  parallelForm,
  referenceSearch,
  sumOf,
} from '../__fixtures__/reference-search.js';
import { tinyModel, tinyWeights } from '../__fixtures__/tiny-model.js';
import { createGenerator } from '../generator.js';
import { languageSearchModel } from './model.js';
import type { BeamSearchOptions, Stopping } from './options.js';
import { type BeamSearch, type BeamSearchSettings, createBeamSearch, type SearchInput } from './search.js';

const END = 0;

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
});
afterAll(() => engine.dispose());

const t2r = { use: 't2r-mlp', features: 4 };
const models: [string, LanguageModel][] = [
  ['t2r', tinyModel({ attention: t2r })],
  ['softmax', tinyModel({ attention: { use: 'softmax' } })],
  ['window', tinyModel({ attention: { use: 'softmax-window', window: 3 } })],
  [
    'hybrid, learned positions',
    tinyModel({ attention: [{ use: 'softmax' }, t2r], positions: 'learned', maxPositions: 40 }),
  ],
];

const open = (model: LanguageModel, options: Partial<BeamSearchSettings> = {}): BeamSearch =>
  createBeamSearch({
    engine,
    model: languageSearchModel(model, { weights: tinyWeights(model), endOfText: END }),
    chunk: 4,
    capacity: 4,
    ...options,
  });

/** Prompts of lengths 1 to 9. */
function prompts(count: number, vocab = 11): number[][] {
  const random = createRandom(3, 'prompts');
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.integer(9) }, () => 1 + random.integer(vocab - 1)),
  );
}

describe.each(models)('%s', (_name, model) => {
  let next: NextLogProbs;
  beforeAll(async () => {
    next = await parallelForm(engine, model, 40);
  });

  test.each<[Stopping, number]>([
    ['fairseq', 1],
    ['fairseq', 0],
    ['early', 1],
    ['estimate', 0.6],
    ['estimate', 1.4],
    ['bound', 1],
    ['bound', 0],
    ['bound', -0.5],
  ])('equals a plain beam search: stopping %s, penalty %f', async (stopping, penalty) => {
    const search = open(model);
    const sources = prompts(6);
    const options: BeamSearchOptions = { beam: 3, nbest: 3, maxTokens: 9, stopping, lengthPenalty: penalty };
    const found = await search.search(sources, options);
    for (const [i, prompt] of sources.entries()) {
      const expected = await referenceSearch(next, prompt, { beam: 3, end: END, most: 9, penalty, stopping });
      // `bound` may stop before hypotheses past the best are all found, but only if none can enter the best.
      expect(found[i]!.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
      for (const [rank, { score, logProb }] of found[i]!.entries()) {
        expect(Math.abs(score - expected[rank]!.score)).toBeLessThan(1e-5);
        expect(Math.abs(logProb - expected[rank]!.logProb)).toBeLessThan(1e-5);
      }
    }
    await search.dispose();
  });

  test('scores are those of the parallel form; results are unique and sorted', async () => {
    const search = open(model);
    const sources = prompts(5);
    const found = await search.search(sources, { beam: 4, nbest: 4, maxTokens: 20, lengthPenalty: 0.7 });
    for (const [i, prompt] of sources.entries()) {
      const hypotheses = found[i]!;
      expect(new Set(hypotheses.map(({ ids }) => ids.join())).size).toBe(hypotheses.length);
      for (const [rank, { ids, logProb, score, end }] of hypotheses.entries()) {
        expect(end).toBe('end-token');
        expect(Math.abs(logProb - (await sumOf(next, prompt, [...ids, END])))).toBeLessThan(1e-5);
        expect(score).toBeCloseTo(logProb / (ids.length + 1) ** 0.7, 12);
        if (rank > 0) expect(score).toBeLessThanOrEqual(hypotheses[rank - 1]!.score);
      }
    }
    await search.dispose();
  });

  test('a batch gives what its sentences give alone, in any order, compacted or not', async () => {
    const sources = prompts(24);
    const options: BeamSearchOptions = { beam: 4, nbest: 4, maxTokens: 16 };
    const ids = async (settings: Partial<BeamSearchSettings>, given: readonly SearchInput[]) => {
      const search = open(model, settings);
      const found = await search.search(given, options);
      await search.dispose();
      return found.map((hypotheses) => hypotheses.map((hypothesis) => hypothesis.ids));
    };
    const alone = await ids({ sentences: 1 }, sources);
    expect(await ids({ sentences: 64 }, sources)).toEqual(alone);
    expect(await ids({ sentences: 8, compact: false }, sources)).toEqual(alone);
    expect(await ids({ sentences: 8, tokens: 20 }, [...sources].reverse())).toEqual([...alone].reverse());
  });

  test('beam 1 is greedy', async () => {
    const search = open(model);
    const generator = createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, capacity: 8 });
    const sources = prompts(6);
    const found = await search.search(sources, { beam: 1, maxTokens: 12, atLimit: 'cut' });
    for (const [i, prompt] of sources.entries()) {
      const greedy: number[] = [];
      const options = { temperature: 0, maxTokens: 12, stopTokens: [END] };
      for await (const { id } of generator.generate(prompt, options)) greedy.push(id);
      expect(found[i]![0]!.ids).toEqual(greedy);
    }
    await generator.dispose();
    await search.dispose();
  });

  test('a forced prefix begins every hypothesis and is scored', async () => {
    const search = open(model);
    const sources = prompts(4).map((prompt, i) => ({ prompt, prefix: [7, 3, 5].slice(0, i) }));
    const options: BeamSearchOptions = { beam: 3, nbest: 3, maxTokens: 8 };
    const found = await search.search(sources, options);
    for (const [i, { prompt, prefix }] of sources.entries()) {
      const expected = await referenceSearch(next, prompt, {
        beam: 3,
        end: END,
        most: 8,
        penalty: 1,
        stopping: 'fairseq',
        prefix,
      });
      expect(found[i]!.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
      for (const { ids } of found[i]!) expect(ids.slice(0, prefix.length)).toEqual(prefix);
    }
    await search.dispose();
  });
});

describe('exhaustive search', () => {
  const vocab = 5;
  const model = tinyModel({ vocab, attention: t2r });

  test.each([0, 0.6, 1, -0.3])('a beam as wide as all prefixes finds the very best, penalty %f', async (penalty) => {
    const next = await parallelForm(engine, model, 8);
    const search = open(model);
    for (const prompt of [[1], [4, 2, 3]]) {
      const expected = await exhaustive(next, prompt, { end: END, most: 4, vocab, penalty });
      const [found] = await search.search([prompt], {
        beam: 64,
        nbest: 20,
        maxTokens: 4,
        lengthPenalty: penalty,
        stopping: 'bound',
      });
      expect(found!.map(({ ids }) => ids)).toEqual(expected.slice(0, 20).map(({ ids }) => ids));
    }
    await search.dispose();
  });
});
