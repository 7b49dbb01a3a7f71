import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestRun, tinyModel, tinyTraining } from './test-context.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-trainers-'));
});
afterEach(() => rm(root, { recursive: true }));

test("fairseq's way of training WikiText-103, in small: adaptive, LayerDrop, nag, cosine-restarts", async () => {
  const run = await createTestRun(root, { use: 'onnx', threads: 1 });
  const model = {
    ...tinyModel,
    adaptive: { cutoffs: [4], factor: 2, dropout: 0.1 },
    layerDrop: 0.2,
    finalNorm: false,
  };
  await run.run('init', { use: 'model/init', model, tokenizer: { step: 'tokenizer' } });
  const { metrics } = await run.run('train', {
    ...tinyTraining,
    steps: 60,
    accumulate: 2,
    clip: 0.1,
    optimizer: { use: 'nag', momentum: 0.9 },
    schedule: { use: 'cosine-restarts', peak: 1, min: 1e-4, initial: 1e-7, warmup: 10, growth: 2, shrink: 0.75 },
    evaluate: { every: 60 },
  });
  expect(run.points['train.loss']![0]![1]).toBeGreaterThan(2);
  expect(metrics['train.loss']).toBeLessThan(run.points['train.loss']![0]![1]);
  expect(Number.isFinite(metrics['valid.perplexity'])).toBe(true);
  const { config, weights } = await loadCheckpoint(run.folder('train'));
  expect(config.model).toMatchObject({ layerDrop: 0.2, finalNorm: false, adaptive: { tieProjections: true } });
  expect(Object.keys(weights)).toContain('output.clusters.weight');
});
