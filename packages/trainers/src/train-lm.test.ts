import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComponentSpec } from '@t2r/core';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createTestRun, type TestRun, tinyModel, tinyTraining } from './test-context.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 't2r-trainers-'));
});
afterEach(() => rm(root, { recursive: true }));

const weightsOf = async (run: TestRun, id: string) => (await loadCheckpoint(run.folder(id))).weights;

async function startRun(engine = 'cpu', model: ComponentSpec = tinyModel): Promise<TestRun> {
  const run = await createTestRun(root, engine === 'onnx' ? { use: 'onnx', threads: 1 } : { use: engine });
  await run.run('init', { use: 'model/init', model, tokenizer: { step: 'tokenizer' } });
  return run;
}

/** Trains, stopping by signal after `steps` progress events; fails unless the reason comes back. */
async function interrupted(run: TestRun, id: string, spec: ComponentSpec, steps: number): Promise<void> {
  const controller = new AbortController();
  let seen = 0;
  const onProgress = () => {
    seen += 1;
    if (seen === steps) controller.abort(new Error('SIGINT'));
  };
  await expect(run.run(id, spec, { signal: controller.signal, onProgress })).rejects.toThrow('SIGINT');
}

test('the loss goes down and the checkpoint holds what was trained', async () => {
  const run = await startRun('onnx');
  const trained = await run.run('train', { ...tinyTraining, steps: 80, evaluate: { every: 40 } });
  expect(run.points['train.loss']![0]![1]).toBeGreaterThan(2.5);
  expect(trained.metrics['train.loss']).toBeLessThan(2);
  expect(trained.metrics['valid.perplexity']).toBeLessThan(5);
  expect(run.points['valid.perplexity']!.map(([step]) => step)).toEqual([40, 80]);
  expect((await readdir(trained.folder)).sort()).toEqual([
    'config.json',
    'model.safetensors',
    'tokenizer.json',
    'training.json',
  ]);
  // What was written is what was evaluated: a step of no size keeps the perplexity.
  const again = await run.run('again', {
    ...tinyTraining,
    from: { step: 'train' },
    steps: 1,
    schedule: { use: 'constant', peak: 1e-30 },
    evaluate: { every: 1 },
  });
  expect(again.metrics['valid.perplexity']).toBeCloseTo(trained.metrics['valid.perplexity']!, 4);
});

test('both engines train alike', async () => {
  const spec = { ...tinyTraining, steps: 10 };
  const cpu = await (await startRun('cpu')).run('cpu', spec);
  const onnx = await (await startRun('onnx')).run('onnx', spec);
  expect(onnx.metrics['train.loss']! / cpu.metrics['train.loss']!).toBeCloseTo(1, 4);
});

test.each(['cpu', 'onnx'])(
  'on engine %s: interrupted twice and resumed = uninterrupted, bit for bit, with dropout and accumulation',
  async (engine) => {
    const run = await startRun(engine, { ...tinyModel, dropout: 0.2 });
    const spec = { ...tinyTraining, steps: 8, accumulate: 2, evaluate: { every: 5 } };
    const whole = await run.run('whole', spec);
    await interrupted(run, 'parts', spec, 3);
    await interrupted(run, 'parts', spec, 2);
    const parts = await run.run('parts', spec);
    expect(await weightsOf(run, 'parts')).toEqual(await weightsOf(run, 'whole'));
    expect(parts.data).toEqual(whole.data);
    expect(parts.metrics['train.loss']).toBe(whole.metrics['train.loss']);
    expect(await readdir(run.folder('parts'))).not.toContain('resume');
  },
);

test('killed between checkpoints, and in the middle of writing one: the same weights in the end', async () => {
  const run = await startRun();
  const spec = { ...tinyTraining, save: { every: 3 } };
  await run.run('whole', spec);
  await run.kill('parts', spec, 8);
  const folder = join(run.folder('parts'), 'resume');
  expect((await readdir(folder)).sort()).toEqual(['step-3', 'step-6']);
  await mkdir(join(folder, 'step-9.0a1b2c3d.tmp'));
  await writeFile(join(folder, 'step-9.0a1b2c3d.tmp', 'variables.safetensors'), 'half');
  await run.run('parts', spec);
  expect(run.warnings).toEqual([]);
  expect(await weightsOf(run, 'parts')).toEqual(await weightsOf(run, 'whole'));
});

test('two batches of two sequences make the step that one batch of four makes', async () => {
  const run = await startRun();
  const spec = { ...tinyTraining, order: 'epochs', steps: 6, clip: 0.5 };
  await run.run('whole', { ...spec, batch: 4 });
  await run.run('halves', { ...spec, batch: 2, accumulate: 2 });
  const whole = await weightsOf(run, 'whole');
  const halves = await weightsOf(run, 'halves');
  for (const [name, { data }] of Object.entries(whole)) {
    // The key bias has no gradient but rounding, of which Adam makes steps of full size.
    if (name.endsWith('attention.k.bias')) continue;
    data.forEach((value, i) => {
      expect(Math.abs(halves[name]!.data[i]! - value), `${name}[${i}]`).toBeLessThan(2e-5);
    });
  }
});

describe('a damaged resume checkpoint', () => {
  const spec = { ...tinyTraining, save: { every: 3 } };
  const damage: [string, (path: string) => Promise<void>][] = [
    ['truncated', (path) => truncate(path, 1000)],
    [
      'with one changed byte',
      async (path) => {
        const bytes = await readFile(path);
        bytes[bytes.length - 3]! ^= 1;
        await writeFile(path, bytes);
      },
    ],
  ];
  test.each(damage)('%s: the one before is used, with a warning', async (_, harm) => {
    const run = await startRun();
    await run.run('whole', spec);
    await interrupted(run, 'parts', spec, 8);
    const folder = join(run.folder('parts'), 'resume');
    expect((await readdir(folder)).sort()).toEqual(['step-6', 'step-8']);
    await harm(join(folder, 'step-8', 'variables.safetensors'));
    await run.run('parts', spec);
    expect(run.warnings.join()).toMatch(/step 8 cannot be used/);
    expect(await weightsOf(run, 'parts')).toEqual(await weightsOf(run, 'whole'));
  });

  test('when all are damaged, the run begins again', async () => {
    const run = await startRun();
    await run.run('whole', spec);
    await interrupted(run, 'parts', spec, 8);
    const folder = join(run.folder('parts'), 'resume');
    for (const name of await readdir(folder)) await writeFile(join(folder, name, 'trainer.json'), '{');
    await run.run('parts', spec);
    expect(run.warnings).toHaveLength(2);
    expect(await weightsOf(run, 'parts')).toEqual(await weightsOf(run, 'whole'));
  });
});

test('keep: best leaves the weights of the best evaluation, also after an interruption', async () => {
  const run = await startRun('onnx');
  await run.run('trained', { ...tinyTraining, steps: 60 });
  // Steps far too large for trained weights: the first evaluation is the best.
  const spec = {
    ...tinyTraining,
    from: { step: 'trained' },
    steps: 6,
    clip: 0,
    schedule: { use: 'constant', peak: 0.3, warmup: 10 },
    evaluate: { every: 1 },
  };
  const best = await run.run('best', { ...spec, keep: 'best' });
  await run.run('last', spec);
  const bestStep = best.metrics['best.step']!;
  expect(bestStep).toBeLessThan(spec.steps);
  await interrupted(run, 'parts', { ...spec, keep: 'best' }, bestStep + 1);
  await run.run('parts', { ...spec, keep: 'best' });
  expect(await weightsOf(run, 'parts')).toEqual(await weightsOf(run, 'best'));
  expect(await weightsOf(run, 'last')).not.toEqual(await weightsOf(run, 'best'));
});

test('a loss that is not a number stops the run and says at which step', async () => {
  const run = await startRun();
  const spec = { ...tinyTraining, clip: 0, schedule: { use: 'constant', peak: 1e30 } };
  await expect(run.run('diverged', spec)).rejects.toThrow(/training loss became (NaN|Infinity) at step \d/);
});

test('data or blocks that do not fit the model are refused before training', async () => {
  const run = await startRun();
  await expect(run.run('long', { ...tinyTraining, block: 9 })).rejects.toThrow(
    "block 9 is longer than the model's 8 learned positions",
  );
  await expect(run.run('split', { ...tinyTraining, evaluate: { every: 1, split: 'dev' } })).rejects.toThrow(
    'no split "dev"',
  );
});

test('a step killed after its last write reports the same result again without training', async () => {
  const run = await startRun();
  const first = await run.run('train', tinyTraining);
  const again = await run.run('train', tinyTraining, {
    onProgress: () => {
      throw new Error('trained again');
    },
  });
  expect(again.metrics).toEqual(first.metrics);
});
