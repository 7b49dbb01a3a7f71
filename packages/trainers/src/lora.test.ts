import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { openEngine } from '@t2r/engine';
import models, { initialWeights } from '@t2r/models';
import { loadCheckpoint, openTensors } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAdapters } from './lora.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-lora-'));
});
afterEach(() => rm(root, { recursive: true }));

const model = createRegistry([attention, models]).create('model', tinyModel).build(VOCAB);
const QUERIES = 'layers.*.attention.q.weight';

test('the graph and the merged weights compute W + alpha / rank A B', async () => {
  const adapters = createAdapters(model.parameters(), { match: [QUERIES], rank: 3, alpha: 6 });
  expect(adapters.parameters.map(({ name, shape }) => [name, shape])).toEqual([
    ['lora/layers.0.attention.q.weight.a', [16, 3]],
    ['lora/layers.0.attention.q.weight.b', [3, 16]],
    ['lora/layers.1.attention.q.weight.a', [16, 3]],
    ['lora/layers.1.attention.q.weight.b', [3, 16]],
  ]);
  const weights = initialWeights(model, 1);
  const own = adapters.initial(2);
  const [a, b] = ['a', 'b'].map((part) => own[`lora/layers.1.attention.q.weight.${part}`]!.data as Float32Array);
  // Of Kaiming's uniform initialisation with a = sqrt(5): 1 / sqrt(16) at most. B starts as zero.
  expect(Math.max(...a!.map(Math.abs))).toBeLessThanOrEqual(0.25);
  expect(Math.max(...a!.map(Math.abs))).toBeGreaterThan(0.15);
  expect(b!.every((value) => value === 0)).toBe(true);
  b!.forEach((_, i) => {
    b![i] = Math.sin(i);
  });

  const name = 'layers.1.attention.q.weight';
  const before = weights[name]!.data;
  const expected = Array.from(before, (value, at) => {
    const [i, j] = [Math.floor(at / 16), at % 16];
    return value + 2 * [0, 1, 2].reduce((sum, k) => sum + a![i * 3 + k]! * b![k * 16 + j]!, 0);
  });
  const merged = adapters.merge(weights, (wanted) => own[wanted]!.data as Float32Array);
  const engine = await openEngine('cpu');
  const program = await engine.compile({
    name: 'adapted',
    inputs: {},
    variables: engine.variables({ ...weights, ...own }),
    program: (_, values) => ({ outputs: { adapted: adapters.apply(values)[name]! } }),
  });
  const { adapted } = await program.run({});
  await engine.dispose();
  for (const found of [merged[name]!.data, adapted!])
    expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i]!)))).toBeLessThan(1e-6);
  expect(merged['layers.0.attention.q.weight']!.data).toEqual(weights['layers.0.attention.q.weight']!.data);
  expect(weights[name]!.data).toBe(before);
});

test('patterns that match nothing, or no matrix, are refused', () => {
  const adapt = (match: string) => createAdapters(model.parameters(), { match: [match], rank: 2, alpha: 2 });
  expect(() => adapt('layers.*.attention.query.weight')).toThrow('lora.match: no parameter is named like');
  expect(() => adapt('layers.*.attention.q.bias')).toThrow('has shape [16], and only matrices can be adapted');
});

/** Rank of a matrix by Gaussian elimination with full pivoting; what is below `zero` counts as 0. */
function rankOf(matrix: number[][], zero: number): number {
  const rows = matrix.map((row) => [...row]);
  for (let rank = 0; ; rank++) {
    let pivot = { size: zero, i: -1, j: -1 };
    for (let i = rank; i < rows.length; i++)
      rows[i]!.forEach((value, j) => {
        if (Math.abs(value) > pivot.size) pivot = { size: Math.abs(value), i, j };
      });
    if (pivot.i < 0) return rank;
    [rows[rank], rows[pivot.i]] = [rows[pivot.i]!, rows[rank]!];
    for (const row of rows.slice(rank + 1)) {
      const factor = row[pivot.j]! / rows[rank]![pivot.j]!;
      row.forEach((value, j) => {
        row[j] = value - factor * rows[rank]![j]!;
      });
    }
  }
}

const lora = { match: [QUERIES, 'layers.1.fc1.weight'], rank: 2, alpha: 4 };

test.each(['cpu', 'onnx'])(
  'on engine %s: changes have the rank of the adapters, and resuming is exact',
  async (engine) => {
    const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
    const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
    await run.run('init', {
      use: 'model/init',
      model: { ...tinyModel, dropout: 0.1 },
      tokenizer: { step: 'tokenizer' },
    });
    const spec = { ...tinyTraining, steps: 8, lora, train: ['final_norm.*'], evaluate: { every: 8 } };
    const { metrics } = await run.run('whole', spec);
    const [before, after] = [await weights('init'), await weights('whole')];
    expect(Object.keys(after)).toEqual(Object.keys(before));
    for (const [name, { shape, data }] of Object.entries(before)) {
      const change = data.map((value, i) => after[name]!.data[i]! - value);
      if (/^final_norm/.test(name)) expect(change.some((value) => value !== 0)).toBe(true);
      else if (/attention\.q\.weight|^layers\.1\.fc1\.weight/.test(name)) {
        const width = shape[1]!;
        const rows = Array.from({ length: shape[0]! }, (_, i) => [...change.subarray(i * width, (i + 1) * width)]);
        expect(rankOf(rows, 1e-6), name).toBe(2);
      } else
        expect(
          change.every((value) => value === 0),
          name,
        ).toBe(true);
    }

    // Evaluated while training is what the merged weights give.
    const still = { ...tinyTraining, from: { step: 'whole' }, steps: 1, schedule: { use: 'constant', peak: 1e-30 } };
    const merged = await run.run('merged', { ...still, evaluate: { every: 1 } });
    expect(merged.metrics['valid.perplexity']! / metrics['valid.perplexity']!).toBeCloseTo(1, 5);

    await run.kill('parts', { ...spec, save: { every: 2 } }, 4);
    const file = await openTensors(join(run.folder('parts'), 'resume', 'step-2', 'variables.safetensors'));
    const saved = [...file.entries.keys()].filter((name) => !name.startsWith('adam.'));
    await file.close();
    expect(saved.sort()).toEqual(
      [
        'final_norm.bias',
        'final_norm.weight',
        ...['layers.0.attention.q', 'layers.1.attention.q', 'layers.1.fc1'].flatMap((matrix) =>
          ['a', 'b'].map((part) => `lora/${matrix}.weight.${part}`),
        ),
      ].sort(),
    );
    await run.run('parts', { ...spec, save: { every: 2 } });
    expect(await weights('parts')).toEqual(after);
  },
);
