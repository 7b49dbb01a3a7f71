/** Options that change what is found: bans, penalties, limits, and streams of sources. */
import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type NextLogProbs, parallelForm, sumOf } from '../__fixtures__/reference-search.js';
import { tinyModel, tinyWeights } from '../__fixtures__/tiny-model.js';
import type { Hypothesis } from './hypothesis.js';
import { languageSearchModel } from './model.js';
import { type BeamSearch, createBeamSearch } from './search.js';

const END = 0;
const model = tinyModel({ attention: [{ use: 'softmax' }, { use: 't2r-mlp', features: 4 }] });
const prompts = [[1, 2, 3], [4], [5, 6, 7, 8, 9, 10, 2], [3, 3]];

let engine: Engine;
let search: BeamSearch;
let next: NextLogProbs;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
  next = await parallelForm(engine, model, 40);
  const adapted = languageSearchModel(model, { weights: tinyWeights(model), endOfText: END });
  search = createBeamSearch({ engine, model: adapted, chunk: 4, capacity: 4, sentences: 4 });
});
afterAll(async () => {
  await search.dispose();
  await engine.dispose();
});

const lengthOf = (found: Hypothesis[][]) => found.reduce((sum, [best]) => sum + best!.ids.length, 0);

test('a larger length penalty prefers longer hypotheses', async () => {
  const lengths: number[] = [];
  for (const lengthPenalty of [-1, 0, 1, 2]) {
    lengths.push(lengthOf(await search.search(prompts, { beam: 5, maxTokens: 15, lengthPenalty, stopping: 'bound' })));
  }
  expect([...lengths].sort((a, b) => a - b)).toEqual(lengths);
  expect(lengths.at(-1)).toBeGreaterThan(lengths[0]!);
});

test('no n-gram occurs twice, those of the prompt included', async () => {
  const options = { beam: 4, nbest: 4, maxTokens: 20, minTokens: 12, lengthPenalty: 0 };
  const repeats = (ids: number[], n: number) => {
    const grams = ids.slice(n - 1).map((_, i) => ids.slice(i, i + n).join());
    return grams.length - new Set(grams).size;
  };
  const count = (found: Hypothesis[][], n: number) =>
    found.reduce((sum, all, i) => sum + all.reduce((s, { ids }) => s + repeats([...prompts[i]!, ...ids], n), 0), 0);
  const free = await search.search(prompts, options);
  expect(count(free, 2)).toBeGreaterThan(0);
  for (const n of [2, 3]) expect(count(await search.search(prompts, { ...options, noRepeatNgram: n }), n)).toBe(0);
});

test('where nothing may follow, hypotheses end as they are', async () => {
  // Each of the 11 tokens may be used once, and the end token not at all.
  const options = { beam: 3, maxTokens: 30, noRepeatNgram: 1, suppressTokens: [END], atLimit: 'cut' as const };
  const [[best]] = (await search.search([[1, 2, 3]], options)) as [[Hypothesis]];
  expect(best.end).toBe('dead-end');
  expect([...best.ids].sort((a, b) => a - b)).toEqual([4, 5, 6, 7, 8, 9, 10]);
  expect(Math.abs(best.logProb - (await sumOf(next, [1, 2, 3], best.ids)))).toBeLessThan(1e-5);
});

test('a repetition penalty multiplies the log-probabilities of tokens seen', async () => {
  const penalty = 3;
  const [[best]] = (await search.search([[4]], { beam: 3, maxTokens: 10, repetitionPenalty: penalty })) as [
    [Hypothesis],
  ];
  const ids = [4, ...best.ids, END];
  const rows = await next(ids);
  const sum = rows.slice(0, -1).reduce((total, row, t) => {
    const id = ids[t + 1]!;
    return total + row[id]! * (ids.slice(0, t + 1).includes(id) ? penalty : 1);
  }, 0);
  expect(Math.abs(best.logProb - sum)).toBeLessThan(1e-5);
});

test('suppressed tokens do not occur, and limits hold', async () => {
  const options = { beam: 3, nbest: 3, maxTokens: 6, minTokens: 3, suppressTokens: [1, 2, 3, 4] };
  for (const all of await search.search(prompts, options)) {
    for (const { ids } of all) {
      expect(ids.length).toBeGreaterThanOrEqual(3);
      expect(ids.length).toBeLessThanOrEqual(5);
      expect(ids.every((id) => id > 4)).toBe(true);
    }
  }
  const perSource = await search.search(prompts, {
    beam: 2,
    maxTokens: 1,
    maxTokensPerSource: 2,
    suppressTokens: [END],
  });
  expect(perSource.map(([best]) => best!.ids.length)).toEqual(prompts.map(({ length }) => 2 * length));
});

test('what the last token of the longest hypotheses is, and costs', async () => {
  const options = { beam: 2, maxTokens: 3, minTokens: 2, lengthPenalty: 0 };
  for (const atLimit of ['end-token', 'free-end-token', 'cut'] as const) {
    const [[best]] = (await search.search([[5, 6]], { ...options, atLimit })) as [[Hypothesis]];
    const tokens = best.end === 'end-token' && atLimit === 'end-token' ? [...best.ids, END] : best.ids;
    expect(Math.abs(best.logProb - (await sumOf(next, [5, 6], tokens)))).toBeLessThan(1e-5);
    if (atLimit !== 'cut') expect(best).toMatchObject({ end: 'end-token', ids: { length: 2 } });
  }
  const cut = await search.search([[5, 6]], { ...options, atLimit: 'cut', suppressTokens: [END] });
  expect(cut[0]![0]).toMatchObject({ end: 'max-tokens', ids: { length: 3 } });
});

test('several end tokens', async () => {
  const endTokens = [END, 7, 9];
  const found = await search.search(prompts, { beam: 4, nbest: 4, maxTokens: 12, endTokens });
  for (const all of found) for (const { ids } of all) expect(ids.some((id) => endTokens.includes(id))).toBe(false);
});

test('a stream yields in the order of its sources, window by window', async () => {
  const sources = Array.from({ length: 21 }, (_, i) => prompts[i % 4]!.slice(0, 1 + (i % 5)));
  const options = { beam: 3, maxTokens: 8 };
  const expected = await search.search(sources, options);
  const small = createBeamSearch({ engine, model: search.model, sentences: 4, window: 5 });
  let read = 0;
  async function* feed() {
    for (const source of sources) {
      read++;
      yield source;
    }
  }
  const found: Hypothesis[][] = [];
  for await (const all of small.stream(feed(), options)) {
    if (found.length === 0) expect(read).toBe(5);
    found.push(all);
  }
  expect(found.map((all) => all.map(({ ids }) => ids))).toEqual(expected.map((all) => all.map(({ ids }) => ids)));
  await small.dispose();
});

test('the plain engine finds the same', async () => {
  const plain = createBeamSearch({ engine: await openEngine('cpu'), model: search.model, chunk: 4, capacity: 4 });
  const options = { beam: 3, nbest: 3, maxTokens: 6, noRepeatNgram: 2 };
  const [expected, found] = [await search.search(prompts, options), await plain.search(prompts, options)];
  expect(found.map((all) => all.map(({ ids }) => ids))).toEqual(expected.map((all) => all.map(({ ids }) => ids)));
});

test('an empty prompt begins with the end-of-text token', async () => {
  const [[empty], [same]] = (await search.search([[], [END]], { beam: 2, maxTokens: 5 })) as [
    [Hypothesis],
    [Hypothesis],
  ];
  expect(empty.ids).toEqual(same.ids);
});

test('sources that do not fit are user errors', async () => {
  await expect(search.search([[1, 11]])).rejects.toThrow(/token id 11 is outside the model's vocabulary of 11/);
  await expect(search.search([{ prompt: [1], prefix: [END] }])).rejects.toThrow(/prefix holds the token 0/);
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(search.search([[1]], { signal })).rejects.toThrow('enough');
  const learned = tinyModel({ attention: { use: 'softmax' }, positions: 'learned', maxPositions: 6 });
  const short = createBeamSearch({ engine, model: languageSearchModel(learned, { weights: tinyWeights(learned) }) });
  await expect(short.search([[1, 2, 3, 4, 5, 6, 7]], { atLimit: 'cut' })).rejects.toThrow(/the model's 6 positions/);
  // Positions 0 .. 5 are fed; the last one gives one more token.
  const [[best]] = (await short.search([[1, 2, 3]], { atLimit: 'cut' })) as [[Hypothesis]];
  expect(best.ids.length).toBe(4);
  await expect(short.search([[]], { atLimit: 'cut' })).rejects.toThrow(/prompt is empty/);
  await short.dispose();
});

test('a diverged model is a user error', async () => {
  const weights = tinyWeights(model);
  weights['embed.weight']!.data = weights['embed.weight']!.data.map(() => Number.NaN);
  const diverged = createBeamSearch({ engine, model: languageSearchModel(model, { weights, endOfText: END }) });
  await expect(diverged.search([[1, 2]])).rejects.toThrow(/probabilities at position 1 are not finite/);
  await diverged.dispose();
});
