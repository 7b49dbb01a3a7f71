import { type Engine, openEngine } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyModel, tinyWeights } from './__fixtures__/tiny-model.js';
import { createGenerator, type GeneratorOptions, type TextGenerator } from './generator.js';
import { readPrompt } from './snapshot/read-prompt.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
});
afterAll(() => engine.dispose());

const models: [string, LanguageModel][] = [
  ['t2r', tinyModel({ attention: { use: 't2r-mlp', features: 4 } })],
  [
    'rotated features',
    tinyModel({ attention: { use: 't2r-mlp', features: 4, rotate: 'features' }, positions: 'rotary' }),
  ],
  ['softmax', tinyModel({ attention: { use: 'softmax' } })],
];

const open = (model: LanguageModel, options: Partial<GeneratorOptions> = {}) =>
  createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, capacity: 8, ...options });

const DOCUMENT = [3, 1, 4, 1, 5, 9, 2];

/** Logits after each of the ids. */
async function feed(generator: TextGenerator, ids: readonly number[]): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (const id of ids) found.push(await generator.next(id));
  return found;
}

/** The same by a generator of its own, which reads the document first. */
async function alone(model: LanguageModel, ids: readonly number[]): Promise<Float32Array[]> {
  const generator = open(model);
  await generator.prefill(DOCUMENT);
  return feed(generator, ids);
}

function expectClose(found: Float32Array[], expected: Float32Array[]): void {
  expect(found.length).toBe(expected.length);
  found.forEach((logits, i) => {
    logits.forEach((value, j) => {
      expect(value).toBeCloseTo(expected[i]![j]!, 5);
    });
  });
}

describe.each(models)('%s', (_name, model) => {
  test('forks go on by themselves, side by side, and the original is where it was', async () => {
    const original = open(model);
    await original.prefill(DOCUMENT);
    const before = original.save();
    const [one, two] = [original.fork(), original.fork()];
    expect([one.position, two.position]).toEqual([7, 7]);
    // Past the first capacity of 8, and of different lengths.
    const [first, second] = [
      [0, 2, 4, 6, 8],
      [7, 5, 3],
    ];
    const [a, b] = await Promise.all([feed(one, first), feed(two, second)]);
    expectClose(a, await alone(model, first));
    expectClose(b, await alone(model, second));
    expect(a[0]).not.toEqual(b[0]);
    expect([original.position, one.position, two.position]).toEqual([7, 12, 10]);
    expect(original.save()).toEqual(before);
    // A fork of a fork, and the original, of which the latter goes on last.
    const third = two.fork();
    expectClose(await feed(third, [1]), (await alone(model, [...second, 1])).slice(-1));
    expectClose(await feed(original, first), await alone(model, first));
    expect(two.position).toBe(10);
  });

  test('texts of one document are the same side by side as one after another', async () => {
    const generator = open(model);
    const from = await readPrompt(generator, DOCUMENT);
    const write = async (writer: TextGenerator, prompt: number[], seed: number) => {
      const found: number[] = [];
      for await (const { id } of writer.generate(prompt, { from, seed, maxTokens: 8 })) found.push(id);
      return found;
    };
    const expected = [await write(generator, [1], 1), await write(generator, [2], 2)];
    const other = generator.fork();
    expect(await Promise.all([write(generator, [1], 1), write(other, [2], 2)])).toEqual(expected);
  });

  test('a fork forgets, restores and ends alone', async () => {
    const original = open(model);
    await original.prefill(DOCUMENT);
    const fork = original.fork();
    const saved = fork.save();
    expect(saved).toEqual(original.save());
    saved.state[Object.keys(saved.state)[0]!]!.data.fill(1e3); // A copy: of no effect.
    fork.reset();
    expect([fork.position, original.position]).toEqual([0, 7]);
    await fork.prefill(DOCUMENT);
    const expected = await alone(model, [6]);
    const parked = original.fork();
    parked.reset();
    await parked.restore(original.save());
    await original.dispose();
    await expect(original.next(1)).rejects.toMatchObject({ name: 'UserError', message: /disposed/ });
    expectClose(await feed(fork, [6]), expected);
    expectClose(await feed(parked, [6]), expected);
    await fork.dispose();
    await fork.dispose();
    await parked.dispose();
  });

  test('an error of one fork leaves the other as it is', async () => {
    const original = open(model);
    await original.prefill(DOCUMENT);
    const fork = original.fork();
    const failed = fork.restore({ position: 3, state: {} });
    await expect(failed).rejects.toMatchObject({ name: 'UserError' });
    await expect(fork.next(99)).rejects.toThrow(/outside the model's vocabulary/);
    expectClose(await feed(fork, [6]), await alone(model, [6]));
  });

  test("a sequence of a batch takes over another's state", async () => {
    const generator = open(model, { batch: 3 });
    await generator.prefill([3, 1, 2, 7, 5, 6]);
    await generator.copyRow(0, 2);
    const logits = await generator.next(4);
    const row = (i: number) => logits.subarray(i * 11, (i + 1) * 11);
    expect(row(2)).toEqual(row(0));
    expect(row(1)).not.toEqual(row(0));
    await expect(generator.copyRow(0, 3)).rejects.toThrow(/no sequence 3 in a batch of 3/);
  });
});
