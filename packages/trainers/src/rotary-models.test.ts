/** Conversion and training of models with rotary positions, grouped heads and the other parts of LLaMA. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComponentSpec } from '@t2r/core';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestRun, type TestRun, tinyModel, tinyTraining } from './test-context.js';

const llama = {
  ...tinyModel,
  heads: 4,
  kvHeads: 2,
  positions: 'rotary',
  rotary: { base: 100 },
  normKind: 'rms',
  gated: true,
  activation: 'silu',
  biases: { qkv: false, out: false, ffn: false },
  initStd: 0.3,
  dropout: 0.1,
  attentionDropout: 0.1,
};

let root: string;
let run: TestRun;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-rotary-'));
  run = await createTestRun(root, { use: 'onnx', threads: 1 });
  await run.run('init', { use: 'model/init', model: llama, tokenizer: { step: 'tokenizer' } });
});
afterEach(() => rm(root, { recursive: true }));

const weightsOf = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
const swap = (attention: ComponentSpec) =>
  run.run('swap', { use: 'convert/swap', from: { step: 'init' }, attention, layers: 'all' });

describe.each(['inputs', 'features'])('t2r that rotates %s', (rotate) => {
  const attention = { use: 't2r-mlp', features: 6, rotate };

  test('a swap keeps every other weight, and gives maps to heads of keys', async () => {
    const { metrics } = await swap(attention);
    const [before, after] = [await weightsOf('init'), await weightsOf('swap')];
    for (const [name, { data }] of Object.entries(before)) expect(after[name]!.data, name).toEqual(data);
    expect(after['layers.1.attention.phi.weight']!.shape).toEqual([2, 6, 4]);
    expect(metrics.new_parameters).toBe(2 * 2 * (6 * 4 + 6));
    expect(metrics.state_bytes_per_sequence).toBe(4 * 2 * 2 * 6 * 5);
  });

  test('training lowers the loss, and a killed run ends with the same bits', async () => {
    await swap(attention);
    const first = await run.run('first', { ...tinyTraining, from: { step: 'swap' }, steps: 1 });
    const spec = { ...tinyTraining, from: { step: 'swap' }, steps: 20 };
    const whole = await run.run('whole', spec);
    expect(whole.metrics['train.loss']).toBeLessThan(first.metrics['train.loss']!);
    await run.kill('parts', { ...spec, save: { every: 4 } }, 9);
    await run.run('parts', { ...spec, save: { every: 4 } });
    expect(await weightsOf('parts')).toEqual(await weightsOf('whole'));
  });

  test.each([
    { outputs: 1, weights: 0 },
    { outputs: 0, weights: 1 },
  ])('attention transfer by %j brings it nearer to the rotated softmax', async (terms) => {
    await swap(attention);
    const transfer = {
      ...tinyTraining,
      ...terms,
      use: 'train/attention-transfer',
      from: { step: 'swap' },
      optimizer: { use: 'adam' },
      schedule: { use: 'constant', peak: 1e-2 },
      clip: 0,
    };
    const first = await run.run('first', { ...transfer, steps: 1 });
    const last = await run.run('last', { ...transfer, steps: 60 });
    expect(first.metrics['train.loss']).toSatisfy(Number.isFinite);
    expect(last.metrics['train.loss']).toBeLessThan(first.metrics['train.loss']!);
  });
});

test('an automatic plan measures its layers', async () => {
  const auto = {
    budget: { layers: 1 },
    data: { step: 'tokens' },
    batch: 2,
    block: 8,
    steps: 2,
    measure: { split: 'valid', batches: 2 },
  };
  const attention = { use: 't2r-mlp', features: 6 };
  await run.run('plan', { use: 'convert/swap', from: { step: 'init' }, attention, layers: 'auto', auto });
  const { config } = await loadCheckpoint(run.folder('plan'));
  expect(config.model.attention.map(({ use }) => use).sort()).toEqual(['softmax', 't2r-mlp']);
});
