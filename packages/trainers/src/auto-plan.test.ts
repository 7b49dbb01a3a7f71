import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCheckpoint } from '@t2r/zoo';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkBudget, chooseKept, type LayerBytes, measuredPlan } from './auto-plan.js';
import type { LayerMeasures } from './layer-measures.js';
import type { PlannedLayer } from './layer-plan.js';
import { createTestRun, type TestRun, tinyModel, tinyTraining } from './test-context.js';

/** Gains of the layers 0 to 3: 0.1, 0.4, 0.05 and 0.2 nats; 0.75 together, of a rise of 1.5. */
const measures: LayerMeasures = {
  before: 3,
  converted: 4.5,
  layers: [0.1, 0.4, 0.05, 0.2].map((gain, layer) => ({
    layer,
    outputError: gain / 2,
    alone: gain - 0.02,
    kept: gain + 0.02,
  })),
};
const bytes: LayerBytes[] = [0, 1, 2, 3].map((layer) => ({ layer, old: layer === 1 ? 900 : 300, next: 100 }));
const kept = (budget: Parameters<typeof chooseKept>[1]) => chooseKept(measures, budget, bytes, 50);

test('a budget of layers keeps those that would lose most', () => {
  expect(kept({ layers: 1 })).toEqual([1]);
  expect(kept({ layers: 3 })).toEqual([0, 1, 3]);
});

test('a budget of bytes is spent on the most loss a byte, and never more than there is', () => {
  // With all converted there are 450 bytes. Layer 3 saves 0.2 nats for 200 bytes, layer 1 saves 0.4 for 800.
  expect(kept({ stateBytes: 450 })).toEqual([]);
  expect(kept({ stateBytes: 649 })).toEqual([]);
  expect(kept({ stateBytes: 650 })).toEqual([3]);
  expect(kept({ stateBytes: 1249 })).toEqual([0, 2, 3]);
  expect(kept({ stateBytes: 1649 })).toEqual([0, 2, 3]);
  expect(kept({ stateBytes: 1650 })).toEqual([0, 1, 3]);
});

test('a budget of loss keeps as few layers as it can', () => {
  // A nat of gain stands for two of the rise: keeping layer 1 leaves 0.7, layer 3 then 0.3, layer 0 then 0.1.
  expect(kept({ loss: 1.5 })).toEqual([]);
  expect(kept({ loss: 0.71 })).toEqual([1]);
  expect(kept({ loss: 0.69 })).toEqual([1, 3]);
  expect(kept({ loss: 0.05 })).toEqual([0, 1, 2, 3]);
});

test('budgets that cannot be kept are refused', () => {
  expect(() => checkBudget({ layers: 4 }, bytes, 50)).toThrow('4 kept layers leave none of 4 to convert');
  expect(() => checkBudget({ stateBytes: 449 }, bytes, 50)).toThrow('a sequence has 450 bytes of state already');
  expect(() => checkBudget({ stateBytes: 450 }, bytes, 50)).not.toThrow();
});

test('the plan tells what was measured, and leaves other layers alone', () => {
  const entry = (layer: number): PlannedLayer => ({ layer, attention: 'x', swapped: false, reason: 'other' });
  const plan = measuredPlan([entry(3), entry(4)], measures, [3]);
  expect(plan[0]).toMatchObject({ swapped: false, measured: { output_error: 0.1 } });
  expect(plan[0]!.measured!.loss_if_swapped_alone).toBeCloseTo(0.18);
  expect(plan[0]!.measured!.loss_if_kept_alone).toBeCloseTo(-0.22);
  expect(plan[0]!.reason).toBe('kept by measurement: +0.1800 nats a token if swapped alone, -0.2200 if kept alone');
  expect(plan[1]).toEqual(entry(4));
});

describe('the step', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 't2r-auto-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  const swap = {
    use: 'convert/swap',
    from: { step: 'pretrain' },
    attention: { use: 't2r-mlp', features: 4 },
    layers: 'auto',
  };
  const auto = {
    data: { step: 'tokens' },
    batch: 4,
    block: 8,
    steps: 6,
    settle: { steps: 0 },
    measure: { batches: 2 },
  };

  async function startRun(): Promise<TestRun> {
    const run = await createTestRun(root, { use: 'onnx', threads: 1 });
    await run.run('init', { use: 'model/init', model: tinyModel, tokenizer: { step: 'tokenizer' } });
    await run.run('pretrain', { ...tinyTraining, steps: 60 });
    return run;
  }

  /** Loss on the batches that were measured on, of the checkpoint of a step. */
  async function lossOf(run: TestRun, id: string): Promise<number> {
    const still = { use: 'constant', peak: 1e-30 };
    const evaluate = { every: 1, batches: 2 };
    const { metrics } = await run.run(`${id}-loss`, {
      ...tinyTraining,
      from: { step: id },
      steps: 1,
      schedule: still,
      evaluate,
    });
    return Math.log(metrics['valid.perplexity']!);
  }

  test('what was measured is what an evaluation finds, and the layer that loses most keeps its attention', async () => {
    const run = await startRun();
    const one = await run.run('one', { ...swap, auto: { ...auto, budget: { layers: 1 } } });
    const { plan, measures: found } = one.data as { plan: PlannedLayer[]; measures: LayerMeasures };
    const all = await run.run('all', { ...swap, auto: { ...auto, budget: { loss: 1000 } } });
    expect((all.data as { plan: PlannedLayer[] }).plan.every(({ swapped }) => swapped)).toBe(true);
    expect(found.before).toBeCloseTo(await lossOf(run, 'pretrain'), 5);
    expect(found.converted).toBeCloseTo(await lossOf(run, 'all'), 5);
    const [chosen] = found.layers.toSorted((a, b) => b.alone + b.kept - a.alone - a.kept);
    expect(plan.filter(({ swapped }) => !swapped).map(({ layer }) => layer)).toEqual([chosen!.layer]);
    expect(found.converted - chosen!.kept).toBeCloseTo(await lossOf(run, 'one'), 5);
    for (const { outputError } of found.layers) {
      expect(outputError).toBeGreaterThan(0);
      expect(outputError).toBeLessThan(1);
    }
    const { config } = await loadCheckpoint(run.folder('one'));
    expect(config.provenance).toMatchObject({ step: 'convert/swap', plan });
    expect(config.model.attention.map(({ use }) => use)).toEqual(
      [0, 1].map((layer) => (layer === chosen!.layer ? 'softmax' : 't2r-mlp')),
    );
    expect((await readdir(run.folder('one'))).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  });

  test('interrupted in the transfer and run again it comes out the same', async () => {
    const run = await startRun();
    const spec = { ...swap, auto: { ...auto, budget: { layers: 1 } } };
    const whole = await run.run('whole', spec);
    const controller = new AbortController();
    let steps = 0;
    const onProgress = () => {
      steps += 1;
      if (steps === 3) controller.abort(new Error('SIGINT'));
    };
    await expect(run.run('parts', spec, { signal: controller.signal, onProgress })).rejects.toThrow('SIGINT');
    expect(await readdir(run.folder('parts'))).toContain('resume');
    const parts = await run.run('parts', spec);
    const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
    expect(await weights('parts')).toEqual(await weights('whole'));
    expect(parts.data).toEqual(whole.data);
  });

  test('measured after settling, layers may come out otherwise, but weights are those of the transfer', async () => {
    const run = await startRun();
    const weights = async (id: string) => (await loadCheckpoint(run.folder(id))).weights;
    const settle = { steps: 5, schedule: { use: 'constant', peak: 1e-3 }, clip: 1 };
    const spec = (more: object) => ({ ...swap, auto: { ...auto, budget: { loss: 1000 }, ...more } });
    const plain = await run.run('plain', spec({}));
    const settled = await run.run('settled', spec({ settle }));
    const measures = (artifact: { data: unknown }) => (artifact.data as { measures: LayerMeasures }).measures;
    expect(measures(settled)).not.toEqual(measures(plain));
    expect(await weights('settled')).toEqual(await weights('plain'));
    // Killed after the transfer, in the middle of settling.
    await run.kill('parts', spec({ settle }), auto.steps + 3);
    const parts = await run.run('parts', spec({ settle }));
    expect(parts.data).toEqual(settled.data);
    expect(await weights('parts')).toEqual(await weights('settled'));
    expect((await readdir(run.folder('parts'))).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  });

  test('a model without a layer that could be chosen is refused', async () => {
    const run = await startRun();
    await run.run('swapped', { ...swap, layers: 'all' });
    const spec = { ...swap, from: { step: 'swapped' }, auto: { ...auto, budget: { layers: 1 } } };
    await expect(run.run('again', spec)).rejects.toThrow('layers: auto finds no layer to convert to t2r-mlp');
  });
});
