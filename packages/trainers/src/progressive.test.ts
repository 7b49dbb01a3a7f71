import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import models, { languageModel } from '@t2r/models';
import { loadCheckpoint, readTensors } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { progressiveModels } from './progressive.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';

const registry = createRegistry([attention, models]);
const context = { create: ((kind, spec) => registry.create(kind, spec)) as typeof registry.create };
const t2r = { use: 't2r-mlp', features: 4 };
const model = (specs: { use: string }[]) =>
  languageModel(registry.create('model', { ...tinyModel, layers: specs.length, attention: specs }).build(VOCAB));

test('layers change one after the other, those that were not converted never', () => {
  const converted = model([t2r, { use: 'softmax' }, t2r, t2r]);
  const kinds = (first: 'top' | 'bottom') =>
    progressiveModels(
      { steps: 25, progressive: { every: 10, first, attention: { use: 'softmax' } } },
      converted,
      context,
    ).map(({ from, model: { config } }) => [from, config.attention.map(({ use }) => use[0]).join('')]);
  expect(kinds('top')).toEqual([
    [0, 'ssst'],
    [10, 'sstt'],
    [20, 'tstt'],
  ]);
  expect(kinds('bottom')).toEqual([
    [0, 'tsss'],
    [10, 'tsts'],
    [20, 'tstt'],
  ]);
  expect(progressiveModels({ steps: 5, progressive: undefined }, converted, context)).toEqual([
    { from: 0, model: converted },
  ]);
});

test('a run that ends before the last layer has changed is refused, and one without anything to change', () => {
  const progressive = { every: 10, first: 'top' as const, attention: { use: 'softmax' } };
  expect(() => progressiveModels({ steps: 10, progressive }, model([t2r, t2r]), context)).toThrow(
    'the last one changes at step 10, and the run has 10 steps',
  );
  expect(() => progressiveModels({ steps: 10, progressive }, model([{ use: 'softmax' }]), context)).toThrow(
    'every layer has softmax attention already',
  );
});

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-progressive-'));
});
afterEach(() => rm(root, { recursive: true }));

test.each(['cpu', 'onnx'])('on engine %s: maps wait for their turn, and resuming over it is exact', async (engine) => {
  const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
  const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
  const tiny = { ...tinyModel, dropout: 0.1 };
  await run.run('init', { use: 'model/init', model: tiny, tokenizer: { step: 'tokenizer' } });
  const swap = { use: 'convert/swap', from: { step: 'init' }, attention: t2r };
  await run.run('both', { ...swap, layers: 'all' });
  await run.run('top', { ...swap, layers: [1] });
  const training = { ...tinyTraining, from: { step: 'both' }, schedule: { use: 'constant', peak: 1e-2 } };
  const spec = { ...training, steps: 5, progressive: { every: 3 } };
  await run.run('whole', spec);

  // Until the lower layer's turn the run is that of a model in which only the upper one is converted.
  const often = { ...spec, save: { every: 1 } };
  await run.kill('parts', often, 3);
  await run.run('upper', { ...training, from: { step: 'top' }, steps: 2 });
  const early = await resumedWeights(run.folder('parts'), 2);
  const upper = await weights('upper');
  for (const [name, { data }] of Object.entries(upper)) expect(early[name], name).toEqual(data);
  const lower = 'layers.0.attention.phi.weight';
  expect(early[lower]).toEqual((await weights('both'))[lower]!.data);

  await run.run('parts', often);
  expect(await weights('parts')).toEqual(await weights('whole'));
  expect((await weights('whole'))[lower]!.data).not.toEqual((await weights('both'))[lower]!.data);
});

/** What a resume checkpoint holds. */
async function resumedWeights(folder: string, step: number) {
  const { tensors } = await readTensors(join(folder, 'resume', `step-${step}`, 'variables.safetensors'));
  return Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, data]));
}
