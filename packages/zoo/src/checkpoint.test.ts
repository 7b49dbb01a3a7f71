import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParameterSpec } from '@t2r/attention';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.js';
import type { CheckpointConfig } from './types.js';

const config: CheckpointConfig = {
  format: 't2r-checkpoint',
  version: 1,
  model: {
    use: 'decoder-lm',
    vocab: 5,
    layers: 1,
    dim: 4,
    heads: 2,
    ffn: 8,
    activation: 'relu',
    norm: 'pre',
    positions: 'none',
    maxPositions: 16,
    tieOutput: true,
    scaleEmbedding: false,
    dropout: 0.1,
    attentionDropout: 0,
    activationDropout: 0,
    initStd: 0.02,
    attention: [{ use: 't2r-mlp', features: 8 }],
  },
  provenance: { step: 'pretrain' },
};
const weights = {
  a: { shape: [2, 2], data: new Float32Array([1, 2, 3, 4]) },
  b: { shape: [3], data: new Float32Array([5, 6, 7]) },
};
const spec = (name: string, shape: number[]): ParameterSpec => ({ name, shape, init: { kind: 'zeros' } });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-checkpoint-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a saved checkpoint comes back whole, tokenizer included', async () => {
  const tokenizerPath = join(folder, 'source.json');
  await writeFile(tokenizerPath, '{"model":{}}');
  const target = join(folder, 'checkpoint');
  await saveCheckpoint(target, { config, weights, tokenizerPath });
  const parameters = () => [spec('a', [2, 2]), spec('b', [3])];
  const loaded = await loadCheckpoint(target, { parameters });
  expect(loaded).toEqual({ config, weights, tokenizer: join(target, 'tokenizer.json') });
  expect(await readFile(join(target, 'tokenizer.json'), 'utf8')).toBe('{"model":{}}');
  expect((await readdir(target)).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
});

test('a SentencePiece model keeps its kind of file', async () => {
  const tokenizerPath = join(folder, 'tokenizer.model');
  await writeFile(tokenizerPath, 'model');
  const target = join(folder, 'checkpoint');
  await saveCheckpoint(target, { config, weights, tokenizerPath });
  const { tokenizer } = await loadCheckpoint(target);
  expect(tokenizer).toBe(join(target, 'tokenizer.model'));
  expect(await readFile(tokenizer!, 'utf8')).toBe('model');
});

test('optional parts of the model come back', async () => {
  const adaptive = { cutoffs: [2, 4], factor: 2, tieProjections: true, dropout: 0.2 };
  const whole = { ...config, model: { ...config.model, adaptive, finalNorm: false, layerDrop: 0.2 } };
  await saveCheckpoint(folder, { config: whole, weights });
  expect((await loadCheckpoint(folder)).config).toEqual(whole);
});

test('tensors the model does not ask for, lacks or shapes otherwise are named', async () => {
  await saveCheckpoint(folder, { config, weights });
  const parameters = () => [spec('a', [4]), spec('c', [1])];
  await expect(loadCheckpoint(folder, { parameters })).rejects.toThrow(
    /missing: c; unexpected: b; of another shape or type: a is float32 \[2, 2\], expected float32 \[4\]/,
  );
});

test('truncated weights give one error that names the file', async () => {
  await saveCheckpoint(folder, { config, weights });
  const path = join(folder, 'model.safetensors');
  await truncate(path, (await readFile(path)).length - 5);
  await expect(loadCheckpoint(folder)).rejects.toThrow(/model\.safetensors: the file is truncated: tensor "b"/);
});

test('a config.json of something else is refused field by field', async () => {
  await saveCheckpoint(folder, { config, weights });
  const path = join(folder, 'config.json');
  await writeFile(path, JSON.stringify({ ...config, model: { ...config.model, heads: 0, norm: 'rms' } }));
  await expect(loadCheckpoint(folder)).rejects.toThrow(/model\.heads: .*model\.norm: /);
  await writeFile(path, JSON.stringify({ ...config, model: { ...config.model, layers: 2 } }));
  await expect(loadCheckpoint(folder)).rejects.toThrow(/model\.attention: expected one attention per layer/);
  await writeFile(path, '{');
  await expect(loadCheckpoint(folder)).rejects.toThrow(/config\.json/);
  await rm(path);
  await expect(loadCheckpoint(folder)).rejects.toThrow(/A checkpoint is a folder|ENOENT/);
});
