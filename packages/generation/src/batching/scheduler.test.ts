import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tinyModel, tinyWeights } from '../__fixtures__/tiny-model.js';
import { createGenerator } from '../generator.js';
import { readPrompt } from '../snapshot/read-prompt.js';
import { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.js';
import type { BatchSequence, SequenceOptions, SequenceToken } from './sequence.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', { threads: 1 });
});
afterAll(() => engine.dispose());

const t2r = tinyModel({ attention: { use: 't2r-mlp', features: 4 } });
const models: [string, LanguageModel][] = [
  ['t2r', t2r],
  ['hybrid', tinyModel({ attention: [{ use: 'softmax' }, { use: 't2r-mlp', features: 4 }] })],
  ['learned', tinyModel({ attention: { use: 't2r-mlp', features: 4 }, positions: 'learned', maxPositions: 40 })],
];

const open = (model: LanguageModel, options: Partial<SchedulerOptions> = {}) =>
  createScheduler({ model, weights: tinyWeights(model), engine, batch: 4, chunk: 4, capacity: 8, ...options });

const promptOf = (n: number) => {
  const random = createRandom('prompt', n);
  return Array.from({ length: 1 + random.integer(9) }, () => random.integer(11));
};
const optionsOf = (n: number): SequenceOptions => ({
  maxTokens: 3 + (n % 9),
  temperature: n % 3 === 0 ? 0 : 0.9,
  topP: n % 2 === 0 ? 1 : 0.8,
  seed: n,
});

async function read(sequence: BatchSequence): Promise<SequenceToken[]> {
  const tokens: SequenceToken[] = [];
  for await (const token of sequence) tokens.push(token);
  return tokens;
}
const idsOf = async (sequence: BatchSequence) => (await read(sequence)).map(({ id }) => id);
const idle = async (scheduler: Scheduler) => {
  while (scheduler.figures().active + scheduler.figures().waiting + scheduler.figures().parked > 0)
    await new Promise((resolve) => setTimeout(resolve, 1));
};

describe.each(models)('%s', (_name, model) => {
  test('sequences that come and go give what each gives alone, and what a generator gives', async () => {
    const scheduler = await open(model);
    const count = 14;
    const alone: number[][] = [];
    for (let n = 0; n < count; n++)
      alone.push(await idsOf(scheduler.submit({ prompt: promptOf(n), choices: [optionsOf(n)] })[0]!));
    const together = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        await new Promise((resolve) => setTimeout(resolve, 3 * (n % 5)));
        return idsOf(scheduler.submit({ prompt: promptOf(n), choices: [optionsOf(n)] })[0]!);
      }),
    );
    expect(together).toEqual(alone);
    const generator = createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, capacity: 8 });
    for (let n = 0; n < count; n++) {
      const found: number[] = [];
      for await (const { id } of generator.generate(promptOf(n), optionsOf(n))) found.push(id);
      expect(found).toEqual(alone[n]);
    }
    expect(scheduler.figures()).toMatchObject({ active: 0, waiting: 0, parked: 0 });
    await generator.dispose();
    await scheduler.dispose();
  });
});

test.each(['fp16', 'int8', 'int4'] as const)('%s: what each gives alone, and what a generator gives', async (dtype) => {
  // Matrices large enough to be rounded.
  const model = tinyModel({ dim: 64, ffn: 128, attention: { use: 't2r-mlp', features: 4 } });
  const scheduler = await open(model, { dtype });
  expect(scheduler.dtype).toBe(dtype);
  const begin = (n: number) => idsOf(scheduler.submit({ prompt: promptOf(n), choices: [optionsOf(n)] })[0]!);
  const numbers = Array.from({ length: 6 }, (_, n) => n);
  const together = await Promise.all(numbers.map(begin));
  const generator = createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, dtype });
  for (const n of numbers) {
    expect(await begin(n)).toEqual(together[n]);
    const found: number[] = [];
    for await (const { id } of generator.generate(promptOf(n), optionsOf(n))) found.push(id);
    expect(found).toEqual(together[n]);
  }
  await generator.dispose();
  await scheduler.dispose();
});

describe('a scheduler', () => {
  let scheduler: Scheduler;
  beforeAll(async () => {
    scheduler = await open(t2r, { ahead: 8 });
  });
  afterAll(() => scheduler.dispose());
  const submit = (prompt: number[], ...choices: SequenceOptions[]) => scheduler.submit({ prompt, choices });

  test('reads a prompt once for several sequences, more than there are rows', async () => {
    const prompt = promptOf(3);
    const choices = Array.from({ length: 6 }, (_, n) => ({ maxTokens: 6, seed: n }));
    const found = await Promise.all(submit(prompt, ...choices).map(idsOf));
    for (const [n, choice] of choices.entries()) expect(await idsOf(submit(prompt, choice)[0]!)).toEqual(found[n]);
  });

  test('parks a sequence whose reader is slow, and lets it go on with the same tokens', async () => {
    const options = { maxTokens: 60, seed: 2 };
    const expected = await idsOf(submit([1, 2], options)[0]!);
    const [slow] = submit([1, 2], options);
    while (scheduler.figures().parked === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(scheduler.figures().active).toBe(0);
    expect(await idsOf(submit([3], { maxTokens: 5, temperature: 0 })[0]!)).toHaveLength(5);
    expect(await idsOf(slow!)).toEqual(expected);
    await idle(scheduler);
  });

  test('frees the row of a sequence that is cancelled or left', async () => {
    const [one, two] = [submit([1], { maxTokens: 1e6 })[0]!, submit([2], { maxTokens: 1e6 })[0]!];
    for await (const { position } of one) if (position > 10) break;
    const failed = expect(read(two)).rejects.toThrow(/cancelled/);
    two.cancel();
    await failed;
    await idle(scheduler);
    const queued = Array.from({ length: 9 }, (_, n) => submit([n], { maxTokens: 1e6 })[0]!);
    for (const sequence of queued) sequence.cancel();
    await idle(scheduler);
  });

  test('keeps the state at the end, which another request goes on from', async () => {
    const prompt = promptOf(5);
    const whole = await idsOf(submit(prompt, { maxTokens: 12, seed: 9 })[0]!);
    const [first] = submit(prompt, { maxTokens: 5, seed: 9, keepState: true });
    const { state: from } = await first!.end;
    expect(from!.pending).toHaveLength(1);
    const [rest] = scheduler.submit({ prompt: [], from, choices: [{ maxTokens: 7, seed: 9 }] });
    expect([...(await idsOf(first!)), ...(await idsOf(rest!))]).toEqual(whole);
    const { state: only } = await submit(prompt, { maxTokens: 0, keepState: true })[0]!.end;
    const [again] = scheduler.submit({ prompt: [], from: only, choices: [{ maxTokens: 12, seed: 9 }] });
    expect(await idsOf(again!)).toEqual(whole);
    const generator = createGenerator({ model: t2r, weights: tinyWeights(t2r), engine, chunk: 4 });
    expect((await readPrompt(generator, prompt)).state).toEqual(only!.state);
  });

  test('scores a prompt token by token', async () => {
    const prompt = [1, 2, 3, 4];
    const tokens = await read(submit(prompt, { maxTokens: 2, temperature: 0, scorePrompt: true, topLogProbs: 11 })[0]!);
    expect(tokens.map(({ id }) => id).slice(0, 4)).toEqual(prompt);
    expect(tokens[0]!.logProb).toBeUndefined();
    for (const { id, logProb, top } of tokens.slice(1)) {
      expect(top!.find((other) => other.id === id)!.logProb).toBe(logProb);
      expect(top!.reduce((sum, other) => sum + Math.exp(other.logProb), 0)).toBeCloseTo(1, 6);
    }
    expect(tokens.slice(4).every(({ id, top }) => id === top![0]!.id)).toBe(true);
    expect(await read(submit([7], { maxTokens: 0, scorePrompt: true })[0]!)).toHaveLength(1);
  });

  test('refuses what cannot be before it begins', () => {
    expect(() => submit([], {})).toThrow(/prompt is empty/);
    expect(() => submit([11], {})).toThrow(/token id 11 is outside/);
    expect(() => submit([1], { temperature: -1 })).toThrow(/temperature is -1/);
    const from = { position: 1, state: {} };
    expect(() => scheduler.submit({ prompt: [1], from, choices: [{}] })).toThrow(/has no tensor/);
  });
});
