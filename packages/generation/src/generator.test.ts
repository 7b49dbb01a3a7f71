import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parallelLogits, tinyModel, tinyWeights } from './__fixtures__/tiny-model.js';
import type { GenerateOptions } from './generate.js';
import { createGenerator, type GeneratorOptions, type TextGenerator } from './generator.js';
import { argmax } from './sampling.js';

let engine: Engine;
let onnx: Engine;
beforeAll(async () => {
  engine = await openEngine('cpu');
  onnx = await openEngine('onnx', { threads: 1 });
});
afterAll(() => onnx.dispose());

const hybrid = [{ use: 'softmax' }, { use: 't2r-mlp', features: 4 }];
const models: [string, LanguageModel][] = [
  ['t2r', tinyModel({ attention: { use: 't2r-mlp', features: 4 } })],
  ['softmax', tinyModel({ attention: { use: 'softmax' } })],
  ['hybrid, learned positions', tinyModel({ attention: hybrid, positions: 'learned', maxPositions: 32 })],
];

const prompt = (length: number, vocab: number) => {
  const random = createRandom('prompt', length);
  return Int32Array.from({ length }, () => random.integer(vocab));
};

const open = (model: LanguageModel, options: Partial<GeneratorOptions> = {}) =>
  createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, capacity: 8, ...options });

async function ids(generator: TextGenerator, start: ArrayLike<number>, options: GenerateOptions): Promise<number[]> {
  const found: number[] = [];
  for await (const { id } of generator.generate(start, options)) found.push(id);
  return found;
}

/** Relative distance of two vectors: norm of the difference over norm of the second. */
function distance(found: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (found[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
  }
  return Math.sqrt(difference / norm);
}

describe.each(models)('%s', (_name, model) => {
  const { vocab } = model.config;

  test.each(['cpu', 'onnx'])('%s: padded chunks, then steps, give the logits of the parallel form', async (name) => {
    const generator = open(model, { engine: name === 'onnx' ? onnx : engine });
    const text = prompt(20, vocab);
    // 11 = 4 + 4 + 3: more than a chunk, the last one padded; the steps pass the capacity of 8, then 16.
    let logits = await generator.prefill(text.subarray(0, 11));
    for (let end = 11; ; end++) {
      expect(generator.position).toBe(end);
      expect(distance(logits, await parallelLogits(engine, model, text.subarray(0, end)))).toBeLessThan(1e-5);
      if (end === 20) break;
      logits = await generator.next(text[end]!);
    }
    await generator.dispose();
  });

  test('greedy tokens equal those of repeated parallel forward passes', async () => {
    const start = prompt(6, vocab);
    const found = await ids(open(model), start, { temperature: 0, maxTokens: 12 });
    const text = [...start];
    for (let i = 0; i < 12; i++) text.push(argmax(await parallelLogits(engine, model, Int32Array.from(text))));
    expect(found).toEqual(text.slice(6));
  });

  test('a saved state continues as it would have', async () => {
    const generator = open(model);
    const text = prompt(16, vocab);
    await generator.prefill(text.subarray(0, 7));
    const saved = generator.save();
    const expected = await generator.prefill(text.subarray(7));
    const other = open(model, { capacity: 2 });
    await other.restore(saved);
    expect(other.position).toBe(7);
    expect(distance(await other.prefill(text.subarray(7)), expected)).toBeLessThan(1e-6);
  });

  test('generation starts anew each time, and the seed decides it', async () => {
    const generator = open(model);
    const draw = (seed: number) => ids(generator, [1, 2, 3], { seed, maxTokens: 16 });
    const first = await draw(1);
    expect(await draw(1)).toEqual(first);
    expect(await draw(2)).not.toEqual(first);
  });

  test('the sequences of a batch do not mix', async () => {
    const [one, two] = [prompt(9, vocab), prompt(9, vocab).reverse()];
    const single = open(model);
    const expected = [await single.prefill(one)];
    single.reset();
    expected.push(await single.prefill(two));
    const both = open(model, { batch: 2 });
    await both.prefill([...one.subarray(0, 8), ...two.subarray(0, 8)]);
    const logits = await both.next([one[8]!, two[8]!]);
    expect(distance(logits.subarray(0, vocab), expected[0]!)).toBeLessThan(1e-5);
    expect(distance(logits.subarray(vocab), expected[1]!)).toBeLessThan(1e-5);
  });
});

test('an RNN has a state of fixed size and no longest position; a cache grows', async () => {
  const [rnn, cached] = [open(models[0]![1]), open(models[1]![1])];
  expect(rnn.maxPositions).toBe(Number.POSITIVE_INFINITY);
  const before = rnn.stateBytes();
  await rnn.prefill(prompt(9, 11));
  await cached.prefill(prompt(9, 11));
  expect(rnn.stateBytes()).toBe(before);
  expect(cached.stateBytes()).toBe(9 * cached.model.stateBytes(1));
});

test('learned positions end: a stop reason, and an error for what cannot fit', async () => {
  const generator = open(models[2]![1]);
  const tokens = generator.generate([1, 2, 3], { temperature: 0, maxTokens: 100 });
  let count = 0;
  let step = await tokens.next();
  for (; !step.done; step = await tokens.next()) count++;
  expect(step.value).toBe('max-positions');
  // Positions 0 .. 31 are fed; the last one predicts one more token.
  expect(count).toBe(32 - 3 + 1);
  await expect(generator.next(0)).rejects.toThrow(/position 32 is past the model's last learned position, 31/);
  generator.reset();
  await expect(generator.prefill(prompt(33, 11))).rejects.toThrow(/past the model's last learned position/);
  expect((await generator.prefill(prompt(32, 11))).length).toBe(11);
});

test('stop tokens end the text and are not part of it; log-probabilities on request', async () => {
  const generator = open(models[0]![1]);
  const free = await ids(generator, [1], { seed: 3, maxTokens: 12 });
  const stop = free.at(-1)!;
  expect(await ids(generator, [1], { seed: 3, maxTokens: 12, stopTokens: [stop] })).toEqual(
    free.slice(0, free.indexOf(stop)),
  );
  for await (const { id, position, logProb } of generator.generate([1], { seed: 3, maxTokens: 3, logProbs: true })) {
    expect(id).toBe(free[position - 1]);
    expect(logProb).toBeLessThan(0);
  }
});

test('empty prompts and unknown ids are user errors', async () => {
  const generator = open(models[0]![1]);
  await expect(ids(generator, [], {})).rejects.toThrow(/prompt is empty/);
  await expect(generator.prefill([])).rejects.toThrow(/expected at least one/);
  await expect(generator.next(11)).rejects.toThrow(/token id 11 is outside the model's vocabulary of 11/);
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(ids(generator, [1], { signal })).rejects.toThrow('enough');
});
