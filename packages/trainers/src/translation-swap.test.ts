/** Encoder-decoders in `model/init` and `convert/swap`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import models, { buildTranslationModel, modelPlan, type TranslationConfig, translationModel } from '@t2r/models';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { planLayers } from './layer-plan.js';

import { sortWeights, swapModel } from './swap.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';

const registry = createRegistry([attention, models]);
const tiny = {
  use: 'encoder-decoder',
  dim: 16,
  encoder: { layers: 3, heads: 2, ffn: 32 },
  decoder: { layers: 2, heads: 4, ffn: 32 },
  maxPositions: 8,
};
const config = (): TranslationConfig => translationModel(registry.create('model', tiny).build(VOCAB)).config;
const t2r = (features: number) => ({ use: 't2r-mlp', features });

test('a plan has a layer for each of the decoder, and names both kinds of attention', () => {
  expect(planLayers('last-of-every-2', config(), 't2r-mlp', 'elu')).toMatchObject([
    { layer: 0, attention: 't2r-mlp', cross: 'elu', swapped: true },
    { layer: 1, attention: 'softmax', cross: 'softmax', swapped: false },
  ]);
  expect(planLayers([0], config(), 't2r-mlp')[0]).toMatchObject({ attention: 't2r-mlp', cross: 'softmax' });
  expect(() => planLayers([2], config(), 't2r-mlp')).toThrow(/there is no layer 2 to swap: the model has 2 layers/);
});

test('only the new feature maps of the decoder are drawn, and cross-attention that stays keeps its own', () => {
  const before = buildTranslationModel(config(), registry);
  const both = swapModel(config(), { attention: t2r(2), cross: t2r(4) }, [1], registry);
  const names = sortWeights(before, both, [1]);
  expect(names.kept).toEqual(before.parameters().map(({ name }) => name));
  expect(names.dropped).toEqual([]);
  expect(names.drawn).toEqual([
    'decoder.layers.1.attention.phi.weight',
    'decoder.layers.1.attention.phi.bias',
    'decoder.layers.1.cross.phi.weight',
    'decoder.layers.1.cross.phi.bias',
  ]);
  const again = swapModel(both.config, { attention: t2r(6) }, [1], registry);
  const { kept, drawn, dropped } = sortWeights(both, again, [1], ['attention']);
  expect(kept).toContain('decoder.layers.1.cross.phi.weight');
  expect(drawn).toEqual(dropped);
  expect(drawn).toEqual(['decoder.layers.1.attention.phi.weight', 'decoder.layers.1.attention.phi.bias']);
});

test('what does not go together is refused', () => {
  const lm = registry.create('model', tinyModel).build(VOCAB).config;
  const swap = () => swapModel(lm as never, { attention: t2r(2), cross: t2r(2) }, [0], registry);
  expect(swap).toThrow(/cross: a decoder-only language model has no cross-attention/);
  const window = { attention: t2r(2), cross: { use: 'softmax-window', window: 4 } };
  expect(() => swapModel(config(), window, [0], registry)).toThrow(
    /softmax-window with these options has no cross-attention/,
  );
});

test('a plan tells the size of the state, and whether it grows', () => {
  const model = buildTranslationModel(config(), registry);
  expect(modelPlan(model)).toMatchObject({
    stateBytesPerSequence: model.stateBytes(8, 8),
    note: 'state at position 8, source as long; it grows',
  });
  const rnn = swapModel(config(), { attention: t2r(2), cross: t2r(4) }, [0, 1], registry);
  expect(modelPlan(rnn).note).toBeUndefined();
});

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-translation-'));
});
afterEach(() => rm(root, { recursive: true }));

test('model/init and convert/swap follow one another; weights and both tokenizers are handed on', async () => {
  const run = await createTestRun(root, { use: 'cpu' });
  const tokenizer = { step: 'tokenizer' };
  await run.run('init', { use: 'model/init', model: tiny, tokenizer });
  const swapped = await run.run('swap', {
    use: 'convert/swap',
    from: { step: 'init' },
    attention: t2r(2),
    cross: t2r(4),
  });
  const load = (id: string) => loadCheckpoint(run.folder(id), { use: 'encoder-decoder' });
  const [init, after] = [await load('init'), await load('swap')];
  for (const name of Object.keys(init.weights)) expect(after.weights[name]).toEqual(init.weights[name]);
  expect(after.config.model.cross.map(({ use, features }) => [use, features])).toEqual([
    ['t2r-mlp', 4],
    ['t2r-mlp', 4],
  ]);
  expect(after.config.provenance).toMatchObject({
    cross: t2r(4),
    plan: [{ attention: 't2r-mlp', cross: 't2r-mlp' }, {}],
  });
  expect(swapped.metrics).toMatchObject({
    new_parameters: 2 * (4 * 2 * 5 + 4 * 4 * 5),
    state_bytes_per_sequence: 4 * 2 * 4 * (2 + 4) * 5,
  });
  const separate = { ...tiny, shareEmbeddings: false };
  await run.run('apart', { use: 'model/init', model: separate, tokenizer, sourceTokenizer: tokenizer });
  await run.run('apart-swap', { use: 'convert/swap', from: { step: 'apart' }, attention: t2r(2) });
  expect(await load('apart-swap')).toMatchObject({
    tokenizer: join(run.folder('apart-swap'), 'tokenizer.json'),
    sourceTokenizer: join(run.folder('apart-swap'), 'source-tokenizer.json'),
  });
  await expect(
    run.run('lm', { use: 'model/init', model: tinyModel, tokenizer, sourceTokenizer: tokenizer }),
  ).rejects.toThrow(/sourceTokenizer: a decoder-only language model has no sources/);
  await expect(run.run('train', { ...tinyTraining, from: { step: 'swap' } })).rejects.toThrow(
    /is an encoder-decoder for translation, and a decoder-only language model is needed here/,
  );
});
