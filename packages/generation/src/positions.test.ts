import { createRandom } from '@t2r/core';
import { type Engine, openEngine, type Variables } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parallelLogits, type TinyModelOptions, tinyModel, tinyWeights } from './__fixtures__/tiny-model.js';
import { zeroState } from './cache.js';
import { createGenerator } from './generator.js';
import { compilePrefill, compileStep } from './programs.js';

let cpu: Engine;
let onnx: Engine;
beforeAll(async () => {
  cpu = await openEngine('cpu');
  onnx = await openEngine('onnx', { threads: 1 });
});
afterAll(() => onnx.dispose());

const t2r = { use: 't2r-mlp', features: 4 };
const cases: [string, TinyModelOptions][] = [
  ['t2r, sinusoidal', { attention: t2r }],
  ['t2r, learned', { attention: t2r, positions: 'learned', maxPositions: 24 }],
  ['t2r, rotary before the map', { attention: t2r, positions: 'rotary' }],
  [
    't2r, rotary features in turns',
    { attention: { ...t2r, rotate: 'features' }, positions: 'rotary', rotary: { pairs: 'interleaved' } },
  ],
  ['softmax, sinusoidal', { attention: { use: 'softmax' } }],
  ['softmax, rotary, grouped heads', { attention: { use: 'softmax' }, positions: 'rotary', kvHeads: 1 }],
  ['softmax-window, rotary', { attention: { use: 'softmax-window', window: 4 }, positions: 'rotary' }],
  [
    'window-linear, learned',
    { attention: { use: 'window-linear', window: 4 }, positions: 'learned', maxPositions: 24 },
  ],
];

const CAPACITY = 24;
const STARTS = [3, 8, 0];

/** A batch whose sequences have been read as far as STARTS says, each by itself. */
async function batchAt(model: LanguageModel, engine: Engine, texts: readonly Int32Array[]): Promise<Variables> {
  const batch = engine.variables(zeroState(model.state(texts.length, CAPACITY)));
  const single = createGenerator({ model, weights: tinyWeights(model), engine, chunk: 4, capacity: CAPACITY });
  for (const [row, text] of texts.entries()) {
    single.reset();
    if (STARTS[row]! > 0) await single.prefill(text.subarray(0, STARTS[row]));
    const saved = engine.variables(zeroState(model.state(1, CAPACITY)));
    const { state } = single.save();
    for (const { name, shape, grows } of model.state(1, CAPACITY)) {
      const rows = grows ? { axis: 2, start: 0, end: STARTS[row]! } : undefined;
      const source = engine.variables({ [name]: state[name] ?? { shape, data: saved.read(name) } });
      batch.copyEntry(name, { from: 0, to: row, source, rows });
    }
  }
  await single.dispose();
  return batch;
}

function distance(found: Float32Array, expected: Float32Array): number {
  const difference = found.reduce((sum, x, i) => sum + (x - expected[i]!) ** 2, 0);
  return Math.sqrt(difference / expected.reduce((sum, x) => sum + x * x, 0));
}

describe.each(cases)('%s: sequences of a batch at positions of their own', (_name, options) => {
  const model = tinyModel(options);
  const { vocab } = model.config;
  const texts = STARTS.map((_, row) => {
    const random = createRandom('positions', row);
    return Int32Array.from({ length: 20 }, () => random.integer(vocab));
  });

  test.each(['cpu', 'onnx'])('a prefill and steps give the logits of the parallel form, on %s', async (name) => {
    const engine = name === 'cpu' ? cpu : onnx;
    const variables = await batchAt(model, engine, texts);
    const values = Object.fromEntries(Object.entries(tinyWeights(model)).map(([key, { data }]) => [key, data]));
    const specs = model.state(texts.length, CAPACITY);
    const given = { engine, model, weights: model.stepWeights(values), variables, specs, batch: texts.length };
    const [prefill, step] = [await compilePrefill(given, 5), await compileStep(given)];
    const positions = Int32Array.from(STARTS);
    const check = async (logits: Float32Array) => {
      for (const [row, text] of texts.entries()) {
        const expected = await parallelLogits(cpu, model, text.subarray(0, positions[row]));
        expect(distance(logits.subarray(row * vocab, (row + 1) * vocab), expected)).toBeLessThan(1e-5);
      }
    };
    // Four positions, padded to five.
    const ids = texts.flatMap((text, row) => [...text.subarray(positions[row], positions[row]! + 4), 0]);
    const read = await prefill.run({ ids: Int32Array.from(ids), position: positions, count: Int32Array.of(4) });
    positions.forEach((_, row) => {
      positions[row]! += 4;
    });
    await check(read.logits as Float32Array);
    for (let i = 0; i < 3; i++) {
      const next = Int32Array.from(texts, (text, row) => text[positions[row]!]!);
      const { logits } = await step.run({ ids: next, position: positions });
      positions.forEach((_, row) => {
        positions[row]!++;
      });
      await check(logits as Float32Array);
    }
    await prefill.dispose();
    await step.dispose();
  });
});
