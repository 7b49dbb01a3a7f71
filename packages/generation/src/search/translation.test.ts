/** Beam search on encoder-decoders: the decoder against the parallel form, sources of many lengths in one batch. */
import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { referenceSearch, sumOf } from '../__fixtures__/reference-search.js';
import { TOKENS, tinyTranslation, translationForm, translationWeights } from '../__fixtures__/tiny-translation.js';
import { type BeamSearch, type BeamSearchSettings, createBeamSearch } from './search.js';
import { paddedLength, translationSearchModel } from './translation-model.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
});
afterAll(() => engine.dispose());

const softmax = { use: 'softmax' };
const t2r = { use: 't2r-mlp', features: 4 };
const models = [
  ['softmax', tinyTranslation([softmax, softmax], [softmax, softmax])],
  ['t2r', tinyTranslation([t2r, t2r], [t2r, t2r])],
  ['hybrid', tinyTranslation([t2r, softmax], [softmax, t2r])],
] as const;

/** Sources of 2 to 21 tokens, the end token their last. */
function sources(count: number): number[][] {
  const random = createRandom(9, 'sources');
  return Array.from({ length: count }, () => [
    ...Array.from({ length: 1 + random.integer(20) }, () => 3 + random.integer(10)),
    TOKENS.end,
  ]);
}

describe.each(models)('%s', (_name, model) => {
  const open = (settings: Partial<BeamSearchSettings> = {}): BeamSearch =>
    createBeamSearch({
      engine,
      model: translationSearchModel(model, { engine, weights: translationWeights(model) }),
      capacity: 4,
      ...settings,
    });

  test('equals a plain beam search over the parallel form, scores to 1e-5', async () => {
    const search = open();
    const given = sources(5);
    for (const stopping of ['fairseq', 'estimate', 'bound'] as const) {
      const options = { beam: 4, nbest: 4, maxTokens: 10, lengthPenalty: 0.6, stopping };
      const found = await search.search(given, options);
      for (const [i, source] of given.entries()) {
        const next = await translationForm(engine, model, source, 12);
        const limits = { beam: 4, end: TOKENS.end, most: 10, penalty: 0.6, stopping };
        const expected = await referenceSearch(next, [TOKENS.start], limits);
        expect(found[i]!.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
        for (const { ids, logProb } of found[i]!)
          expect(Math.abs(logProb - (await sumOf(next, [TOKENS.start], [...ids, TOKENS.end])))).toBeLessThan(1e-5);
      }
    }
    await search.dispose();
  });

  test('a batch of 64 gives what its sentences give alone, in any order', async () => {
    const given = sources(64);
    const ids = async (settings: Partial<BeamSearchSettings>, from: readonly number[][]) => {
      const search = open(settings);
      const found = await search.search(from, { beam: 4, nbest: 4, maxTokensPerSource: 1, maxTokens: 5 });
      await search.dispose();
      return found.map((hypotheses) => hypotheses.map((hypothesis) => hypothesis.ids));
    };
    const alone = await ids({ sentences: 1 }, given);
    expect(await ids({ sentences: 64 }, given)).toEqual(alone);
    expect(await ids({ sentences: 16, tokens: 100 }, [...given].reverse())).toEqual([...alone].reverse());
  });

  test('target prefixes of different lengths are obeyed and scored', async () => {
    const search = open();
    const given = sources(4).map((source, i) => ({ source, prefix: [5, 8, 3].slice(0, i) }));
    const found = await search.search(given, { beam: 3, nbest: 3, maxTokens: 9 });
    for (const [i, { source, prefix }] of given.entries()) {
      const next = await translationForm(engine, model, source, 12);
      const limits = { beam: 3, end: TOKENS.end, most: 9, penalty: 1, stopping: 'fairseq' as const, prefix };
      const expected = await referenceSearch(next, [TOKENS.start], limits);
      expect(found[i]!.map(({ ids }) => ids)).toEqual(expected.map(({ ids }) => ids));
      for (const { ids } of found[i]!) expect(ids.slice(0, i)).toEqual(prefix);
    }
    await search.dispose();
  });

  test('a prompt longer than the start token is read in parallel', async () => {
    const search = open({ chunk: 4 });
    const prompt = [TOKENS.start, 4, 9, 7, 7, 5, 10];
    const [source] = sources(1) as [number[]];
    const [found] = await search.search([{ source, prompt }], { beam: 3, nbest: 3, maxTokens: 4 });
    const next = await translationForm(engine, model, source, 12);
    const limits = { beam: 3, end: TOKENS.end, most: 4, penalty: 1, stopping: 'fairseq' as const };
    expect(found!.map(({ ids }) => ids)).toEqual((await referenceSearch(next, prompt, limits)).map(({ ids }) => ids));
    await search.dispose();
  });
});

test('sources that do not fit are user errors', async () => {
  const [, model] = models[0];
  const search = createBeamSearch({
    engine,
    model: translationSearchModel(model, { engine, weights: translationWeights(model) }),
  });
  await expect(search.search([[]])).rejects.toThrow(/a source is empty/);
  await expect(search.search([[3, 13]])).rejects.toThrow(/token id 13 is outside the source's vocabulary of 13/);
  await search.dispose();
  const { config, ...rest } = model;
  const untold = { ...rest, config: { ...config, tokens: undefined } };
  expect(() => translationSearchModel(untold, { engine, weights: translationWeights(model) })).toThrow(/start token/);
});

test('sources are padded to few lengths', () => {
  expect([1, 8, 9, 12, 13, 16, 17, 24, 25, 33, 48, 49, 100].map(paddedLength)).toEqual([
    8, 8, 12, 12, 16, 16, 24, 24, 32, 48, 48, 64, 128,
  ]);
});
