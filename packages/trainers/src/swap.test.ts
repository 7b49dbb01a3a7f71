import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import models, { buildLanguageModel, type LmConfig, languageModel } from '@t2r/models';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sortWeights, swapAttention } from './swap.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';

const registry = createRegistry([attention, models]);
const config = (): LmConfig => languageModel(registry.create('model', tinyModel).build(VOCAB)).config;
const t2r = (features: number) => ({ use: 't2r-mlp', features });

describe('which weights carry over', () => {
  test("softmax to t2r-mlp: only the feature map's weights are new, nothing is dropped", () => {
    const before = buildLanguageModel(config(), registry);
    const after = swapAttention(config(), t2r(4), [1], registry);
    const { kept, drawn, dropped } = sortWeights(before, after, [1]);
    expect(kept).toEqual(before.parameters().map(({ name }) => name));
    expect(drawn.length).toBeGreaterThan(0);
    expect(drawn.every((name) => name.startsWith('layers.1.attention.'))).toBe(true);
    expect(dropped).toEqual([]);
    expect(after.config.attention.map(({ use }) => use)).toEqual(['softmax', 't2r-mlp']);
  });

  test('t2r-mlp to another size: the old feature map goes, a new one is drawn', () => {
    const small = swapAttention(config(), t2r(4), [0, 1], registry);
    const large = swapAttention(small.config, t2r(6), [0], registry);
    const { drawn, dropped } = sortWeights(small, large, [0]);
    expect(drawn).toEqual(dropped);
    expect(drawn.every((name) => name.startsWith('layers.0.attention.'))).toBe(true);
  });

  test('back to softmax: the feature maps are dropped', () => {
    const recurrent = swapAttention(config(), t2r(4), [0, 1], registry);
    const { drawn, dropped } = sortWeights(recurrent, buildLanguageModel(config(), registry), [0, 1]);
    expect(drawn).toEqual([]);
    expect(dropped.length).toBeGreaterThan(0);
  });

  test('anything else that is missing, left over or of another shape is an error by name', () => {
    const before = buildLanguageModel({ ...config(), tieOutput: false, positions: 'none' }, registry);
    const after = swapAttention({ ...config(), ffn: 64 }, t2r(4), [0, 1], registry);
    const sort = () => sortWeights(before, after, [0, 1]);
    expect(sort).toThrow(/positions\.weight is missing/);
    expect(sort).toThrow(/output\.weight has no place in the new model/);
    expect(sort).toThrow(/layers\.0\.fc1\.weight is \[16, 32\], expected \[16, 64\]/);
    // The old feature map of a layer that is not swapped is not the swap's to drop.
    const recurrent = swapAttention(config(), t2r(4), [0, 1], registry);
    expect(() => sortWeights(recurrent, buildLanguageModel(config(), registry), [0])).toThrow(/layers\.1\.attention\./);
  });
});

describe('the steps', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 't2r-swap-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  test('model/init, convert/swap and train/lm follow one another; weights and tokenizer are handed on', async () => {
    const run = await createTestRun(root, { use: 'onnx', threads: 1 });
    await run.run('init', { use: 'model/init', model: tinyModel, tokenizer: { step: 'tokenizer' } });
    const swap = (seed: number) => ({ use: 'convert/swap', from: { step: 'init' }, attention: t2r(4), seed });
    const swapped = await run.run('swap', swap(0));
    await run.run('same', swap(0));
    await run.run('other', swap(1));
    const [init, first, same, other] = await Promise.all(
      ['init', 'swap', 'same', 'other'].map((id) => loadCheckpoint(run.folder(id))),
    );
    for (const name of Object.keys(init!.weights)) expect(first!.weights[name]).toEqual(init!.weights[name]);
    expect(first!.weights).toEqual(same!.weights);
    expect(first!.weights).not.toEqual(other!.weights);
    expect(first!.tokenizer).toBe(join(run.folder('swap'), 'tokenizer.json'));
    const plan = [0, 1].map((layer) => ({
      layer,
      attention: 't2r-mlp',
      swapped: true,
      reason: 'all layers are swapped',
    }));
    expect(swapped.data).toMatchObject({ plan });
    expect(first!.config.provenance).toMatchObject({ plan });
    expect(swapped.metrics.state_bytes_per_sequence).toBeGreaterThan(0);

    const finetuned = await run.run('finetune', {
      ...tinyTraining,
      from: { step: 'swap' },
      steps: 60,
      evaluate: { every: 30 },
    });
    expect(finetuned.metrics['valid.perplexity']).toBeLessThan(8);
    const { config: final } = await loadCheckpoint(run.folder('finetune'));
    expect(final.model.attention.map(({ use }) => use)).toEqual(['t2r-mlp', 't2r-mlp']);
  });
});
