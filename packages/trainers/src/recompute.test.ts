/** Layers computed again in the backward pass train as layers that are kept. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComponentSpec } from '@t2r/core';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestRun, tinyModel, tinyTraining } from './test-context.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-recompute-'));
});
afterEach(() => rm(root, { recursive: true }));

const dropout = { dropout: 0.2, attentionDropout: 0.1 };

const MODELS: [string, ComponentSpec][] = [
  ['softmax with dropout', { ...tinyModel, ...dropout }],
  [
    'rotary positions, grouped heads, gated, LayerDrop',
    { ...tinyModel, positions: 'rotary', kvHeads: 1, gated: true, activation: 'silu', normKind: 'rms', layerDrop: 0.3 },
  ],
  [
    't2r in chunks',
    { ...tinyModel, dropout: 0.2, attention: { use: 't2r-mlp', features: 3, form: 'chunked', chunk: 4 } },
  ],
  ['random features', { ...tinyModel, attention: { use: 'random-feature', features: 4 } }],
];

test.each(MODELS.flatMap(([name, model]) => ['cpu', 'onnx'].map((engine) => [name, engine, model] as const)))(
  '%s on engine %s',
  async (_, engine, model) => {
    const run = await createTestRun(root, { use: engine });
    await run.run('init', { use: 'model/init', model, tokenizer: { step: 'tokenizer' } });
    const spec = { ...tinyTraining, optimizer: { use: 'nag' }, steps: 6 };
    const kept = await run.run('kept', spec);
    const again = await run.run('again', { ...spec, recompute: 'layers' });
    expect(Math.abs(again.metrics['train.loss']! / kept.metrics['train.loss']! - 1)).toBeLessThan(1e-6);
    const weights = (await loadCheckpoint(run.folder('kept'))).weights;
    for (const [name, { data }] of Object.entries((await loadCheckpoint(run.folder('again'))).weights)) {
      const errors = data.map((value, i) => Math.abs(value - weights[name]!.data[i]!));
      expect(
        errors.reduce((a, b) => Math.max(a, b), 0),
        name,
      ).toBeLessThan(1e-6);
    }
  },
);
