import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import { createGenerator, type TextGenerator } from '@t2r/generation';
import { decodingFlops, initialWeights } from '@t2r/models';
import { trainWordLevel } from '@t2r/tokenizers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runContext, tinyConfig, tinyModel, writeCheckpoint } from './__fixtures__/run-context.js';
import { generationSchema } from './generation-schema.js';
import { plugin } from './plugin.js';
import { type GenerationData, runGeneration } from './run-generation.js';
import { measureDecoding } from './speed/decoding-speed.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-generation-'));
});
afterAll(() => rm(folder, { recursive: true }));

const softmax = { ...tinyConfig, attention: [{ use: 'softmax' }] };

test('each checkpoint is measured at each position, with a sample text', async () => {
  const rnn = await writeCheckpoint(folder, 'rnn');
  const cache = await writeCheckpoint(folder, 'cache', { config: softmax });
  const short = await writeCheckpoint(folder, 'short', { config: { ...tinyConfig, positions: 'learned' } });
  const words = await trainWordLevel(['a b c d e f g h i'], { vocab: tinyConfig.vocab });
  for (const { folder: path } of [rnn, cache]) await words.save(join(path, 'tokenizer.json'));
  const { context, messages } = runContext(folder, [rnn, cache, short]);
  const options = generationSchema.parse({
    of: [{ step: 'rnn' }, { step: 'cache' }, { step: 'short' }],
    positions: [40, 4, 16],
    tokens: 3,
    rounds: 2,
    warmup: 2,
    prompt: 'a b',
    sample: { tokens: 5 },
  });
  const { metrics, data } = await runGeneration(options, context);
  const { curve, samples, protocols, skipped } = data as GenerationData;

  expect(curve.map(({ step, position }) => `${step}@${position}`)).toEqual([
    ...['rnn@4', 'rnn@16', 'rnn@40', 'cache@4', 'cache@16', 'cache@40'],
    // 16 learned positions.
    ...['short@4', 'short@16'],
  ]);
  expect(skipped).toEqual([{ step: 'short', positions: [40] }]);
  expect(messages).toContain('warning: short: positions 40 are skipped; its learned positions end at 16');
  for (const { step, position, tokensPerSecond, stateBytes, rssBytes } of curve) {
    expect(metrics![`${step}.tokens_per_s@${position}`]).toBe(tokensPerSecond);
    expect(metrics![`${step}.state_bytes@${position}`]).toBe(stateBytes);
    expect(metrics![`${step}.rss_bytes@${position}`]).toBe(rssBytes);
    expect(tokensPerSecond).toBeGreaterThan(0);
    expect(rssBytes).toBeGreaterThan(2 ** 20);
    // T2R: 2 heads of 4 features by 4 values, and the 4 sums; softmax: k and v of width 8 at each position.
    expect(stateBytes).toBe(4 * (step === 'cache' ? 2 * 8 * position : 2 * (4 * 4 + 4)));
    expect(messages).toContain(`point ${step}.generation.tokens_per_s ${position}`);
  }
  expect(samples.map(({ step, prompt }) => [step, prompt])).toEqual([
    ['rnn', 'a b'],
    ['cache', 'a b'],
  ]);
  for (const { text } of samples) expect(words.encode(text).length).toBe(5);
  expect(messages).toContain('warning: short: no sample text, the checkpoint has no tokenizer.json');
  expect(protocols[0]!.text).toBe(
    'decode|engine:cpu|batch:1|choice:greedy|state:decoded|tokens:3|rounds:2|warmup:2|median of single tokens',
  );
  expect(protocols[1]!.text).toContain('|state:placed, filled with noise|');

  const step = createRegistry([plugin]).create('step', { use: 'evaluate/generation', ...options });
  const promised = new Set(step.metricNames!());
  expect(Object.keys(metrics!).filter((name) => !promised.has(name))).toEqual([]);
  expect(promised.size - Object.keys(metrics!).length).toBe(3);
});

test('an RNN really decodes up to the last position, once, and is then timed in alternating rounds', async () => {
  const engine = await openEngine('cpu');
  const model = tinyModel(tinyConfig);
  const generator = createGenerator({ model, weights: initialWeights(model, 1), engine });
  const visited: number[] = [];
  const watched: TextGenerator = {
    ...generator,
    get position() {
      return generator.position;
    },
    next: (id) => {
      visited.push(generator.position);
      return generator.next(id);
    },
  };
  const settings = { positions: [3, 6], tokens: 2, warmup: 1, rounds: 2, seed: 1 };
  await measureDecoding({ model, open: () => watched }, settings);
  // Window at 3: warm-up at 2, timed 3 and 4. Window at 6: warm-up at 5, timed 6 and 7.
  const [first, second] = [
    [2, 3, 4],
    [5, 6, 7],
  ];
  expect(visited).toEqual([0, 1, 2, 3, 4, 5, ...first, ...second, ...second, ...first]);
});

test('the plan counts the work of planned models and knows nothing of others', () => {
  const step = createRegistry([plugin]).create('step', {
    use: 'evaluate/generation',
    of: [{ step: 'rnn' }],
    positions: [4, 16],
    tokens: 3,
    rounds: 2,
    warmup: 1,
  });
  const context = runContext(folder, []).context;
  const plan = (produces: unknown) => step.plan!({ ...context, input: () => ({ produces }) });
  const model = tinyModel(tinyConfig);
  // The long run, and two windows of four tokens twice.
  expect(plan({ config: tinyConfig })).toMatchObject({
    flops: (16 + 2 * 2 * 4) * decodingFlops(model, 16),
    stateBytesPerSequence: model.stateBytes(16),
  });
  expect(plan(undefined).flops).toBeUndefined();
});
