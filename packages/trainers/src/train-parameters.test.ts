import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint, openSafetensors } from '@t2r/zoo';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createTestRun, tinyModel, tinyTraining } from './test-context.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-train-parameters-'));
});
afterEach(() => rm(root, { recursive: true }));

const t2rModel = { ...tinyModel, dropout: 0.1, attention: { use: 't2r-mlp', features: 4 } };
const FEATURE_MAP = /^layers\.\d\.attention\.phi\.(weight|bias)$/;

async function startRun(engine: string) {
  const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
  await run.run('init', { use: 'model/init', model: t2rModel, tokenizer: { step: 'tokenizer' } });
  const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
  return { run, weights };
}

test.each(['cpu', 'onnx'])('on engine %s: only what is trained changes, and resuming is exact', async (engine) => {
  const { run, weights } = await startRun(engine);
  const spec = {
    ...tinyTraining,
    steps: 6,
    accumulate: 2,
    train: ['layers.*.attention.phi.*'],
  };
  await run.run('whole', spec);
  const init = await weights('init');
  const whole = await weights('whole');
  for (const [name, { data }] of Object.entries(init)) {
    if (FEATURE_MAP.test(name)) expect(whole[name]!.data, name).not.toEqual(data);
    else expect(whole[name]!.data, name).toEqual(data);
  }

  let steps = 0;
  const onProgress = () => {
    steps += 1;
    if (steps === 4) throw new Error('killed');
  };
  await expect(run.run('parts', { ...spec, save: { every: 2 } }, { onProgress })).rejects.toThrow('killed');
  // Neither slots nor resume checkpoints hold anything of a frozen parameter.
  const file = await openSafetensors(join(run.folder('parts'), 'resume', 'step-2', 'variables.safetensors'));
  const names = [...file.entries.keys()];
  await file.close();
  expect(names).toHaveLength(3 * 4);
  expect(names.every((name) => FEATURE_MAP.test(name.replace(/^adam\.[mv]\//, '')))).toBe(true);
  await run.run('parts', { ...spec, save: { every: 2 } });
  expect(await weights('parts')).toEqual(whole);
});

test('freeze is train of all the others', async () => {
  const { run, weights } = await startRun('cpu');
  await run.run('frozen', { ...tinyTraining, steps: 3, freeze: ['embed.*', 'positions.*', 'layers.0.*'] });
  await run.run('trained', { ...tinyTraining, steps: 3, train: ['layers.1.*', 'final_norm.*'] });
  expect(await weights('frozen')).toEqual(await weights('trained'));
});

test.each(['adamw', 'nag'])('%s: a group has the rate of the schedule times its factor', async (use) => {
  const { run, weights } = await startRun('cpu');
  // One step from the same weights: the gradients are the same, so the change is proportional to the rate.
  const spec = {
    ...tinyTraining,
    steps: 1,
    optimizer: { use, weightDecay: 0 },
    schedule: { use: 'constant', peak: 1e-3 },
  };
  await run.run('base', spec);
  await run.run('grouped', { ...spec, groups: [{ match: 'layers.*.attention.phi.weight', rate: 10 }] });
  await run.run('tenfold', { ...spec, schedule: { use: 'constant', peak: 1e-2 } });
  const [base, grouped, tenfold] = await Promise.all(['base', 'grouped', 'tenfold'].map(weights));
  for (const name of Object.keys(base!)) {
    const expected = /^layers\.\d\.attention\.phi\.weight$/.test(name) ? tenfold! : base!;
    expect(grouped![name], name).toEqual(expected[name]);
  }
});
