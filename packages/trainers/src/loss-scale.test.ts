/** Training with products in half precision, as far as a processor shows it: rounding, overflow and resuming, not time. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention, { softmaxAttention } from '@t2r/attention';
import { type ComponentSpec, createRegistry, defineComponent, definePlugin, type PlanContext } from '@t2r/core';
import enginePlugin, { type Engine, openEngine, type Provider } from '@t2r/engine';
import { createLanguageModel, initialWeights } from '@t2r/models';
import { loadCheckpoint } from '@t2r/zoo';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createAdam } from './adam.js';
import { type LossScaling, lossScaleVariables, readLossScale } from './loss-scale.js';
import { languageModelObjective } from './objective.js';
import { trainedParameters } from './parameter-patterns.js';
import { plugin } from './plugin.js';
import { createTestRun, tinyModel, tinyTraining, VOCAB } from './test-context.js';
import { slotVariables } from './training-graph.js';
import { createTrainingProgram } from './training-program.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx', {
    threads: 1,
    provider: (process.env.T2R_TEST_PROVIDER || 'cpu') as Provider,
    halvesOnCpu: true,
  });
});
afterAll(() => engine.dispose());

const registry = createRegistry([attention, enginePlugin, plugin]);

const model = createLanguageModel(
  {
    use: 'decoder-lm',
    vocab: VOCAB,
    layers: 2,
    dim: 16,
    heads: 2,
    ffn: 32,
    // At the kink of ReLU a rounded sum can have the other slope: gradients then differ by more than roundings.
    activation: 'gelu',
    norm: 'pre',
    positions: 'learned',
    maxPositions: 8,
    tieOutput: true,
    scaleEmbedding: false,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    initStd: 0.1,
    attention: [{ use: 'softmax' }, { use: 'softmax' }],
  },
  [softmaxAttention(), softmaxAttention()],
);

/** A training run in memory. */
function training(lossScaling: LossScaling | undefined, { accumulate = 1, clip = 1 } = {}) {
  const adam = createAdam('adamw', { betas: [0.9, 0.98], eps: 1e-8, weightDecay: 0.01, decayAll: false }, true);
  const trained = trainedParameters(model.parameters());
  const variables = engine.variables({
    ...initialWeights(model, 1),
    ...slotVariables(trained, adam),
    ...(lossScaling && lossScaleVariables(lossScaling)),
  });
  const objective = languageModelObjective(model);
  const options = { objective, trained, optimizer: adam, accumulate, clip, lossScaling, seed: 1 };
  const program = createTrainingProgram(engine, variables, options);
  const spec = { shape: [4, 8], dtype: 'int32' as const };
  const batch = (index: number) => {
    const ids = Int32Array.from({ length: 33 }, (_, i) => (3 * i + 5 * index) % VOCAB);
    const arrays = { inputs: ids.slice(0, 32), targets: ids.slice(1) };
    return { arrays, specs: { inputs: spec, targets: spec }, tokens: 32 };
  };
  const names = [...trained.map(({ name }) => name), ...Object.keys(slotVariables(trained, adam))];
  return {
    run: (step: number) =>
      program.run(
        step,
        [1e-2],
        Array.from({ length: accumulate }, (_, i) => batch(step * accumulate + i)),
      ),
    parameters: trained.length,
    /** Parameters and slots. */
    values: () => names.map((name) => variables.read(name)),
    /** Running means of gradients. */
    moments: () => trained.map(({ name }) => variables.read(`adam.m/${name}`) as Float32Array),
    scale: () => readLossScale(variables),
  };
}

const distance = (a: readonly ArrayLike<number>[], b: readonly ArrayLike<number>[]) =>
  Math.max(...a.map((x, i) => Math.max(...Array.from(x, (value, j) => Math.abs(value - b[i]![j]!)))));

describe('products in halves', () => {
  test.each([
    ['one batch a step', {}],
    ['one batch, without clipping', { clip: 0 }],
    ['two batches a step', { accumulate: 2 }],
  ])('train as float32 does, within the precision of halves: %s', async (_, options) => {
    const single = training(undefined, options);
    const half = training({ initial: 65536, every: 2000 }, options);
    for (let step = 0; step < 10; step++) {
      const [expected, actual] = [await single.run(step), await half.run(step)];
      expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(5e-3);
      expect(expected.lossScale).toBeUndefined();
      expect(actual.lossScale).toEqual({ scale: 65536, skipped: false });
      if (step > 0) continue;
      // Weights are the same up to here: adam.m is a tenth of the clipped gradient.
      expect(Math.abs(actual.gradientNorm / expected.gradientNorm - 1)).toBeLessThan(1e-3);
      const [m, reference] = [half.moments(), single.moments()];
      const largest = Math.max(...reference.map((x) => Math.max(...x.map(Math.abs))));
      const error = distance(m, reference) / largest;
      expect(error).toBeLessThan(2e-3);
      expect(error).toBeGreaterThan(1e-5); // of no rounding at all
    }
  });

  test.each([1, 2])(
    'gradients that overflow change nothing and halve the scale: %d batches a step',
    async (accumulate) => {
      const run = training({ initial: 2 ** 40, every: 3 }, { accumulate });
      const before = run.values();
      let step = 0;
      let scale = 2 ** 40;
      for (; ; step++) {
        const { lossScale, loss, gradientNorm } = await run.run(step);
        expect(Number.isFinite(loss)).toBe(true);
        if (!lossScale!.skipped) break;
        expect(Number.isFinite(gradientNorm)).toBe(false);
        scale /= 2;
        expect(lossScale!.scale).toBe(scale);
        expect(run.values()).toEqual(before);
      }
      expect(step).toBeGreaterThan(10);
      expect(run.scale()).toEqual({ scale, skipped: step });
      expect(distance(run.values(), before)).toBeGreaterThan(0);
      // One good step is behind it, two more double the scale.
      expect((await run.run(step + 1)).lossScale?.scale).toBe(scale);
      expect((await run.run(step + 2)).lossScale?.scale).toBe(2 * scale);
    },
  );

  test('the optimizer counts the steps that have changed something', async () => {
    const late = training({ initial: 2 ** 40, every: 2000 });
    const parameters = () => late.values().slice(0, late.parameters);
    const before = parameters();
    let step = 0;
    while ((await late.run(step)).lossScale!.skipped) step++;
    // Adam's first step is as long as the rate, whatever the gradient; counted as the tenth it would be half as long.
    expect(step).toBeGreaterThan(10);
    expect(distance(parameters(), before)).toBeGreaterThan(0.99e-2);
  });
});

/** The engine of these tests as a component: recipes cannot ask for halves on the processor. */
const halves = definePlugin({
  name: 'halves',
  components: [
    defineComponent({
      kind: 'engine',
      name: 'halves',
      description: 'For tests.',
      schema: z.strictObject({}),
      create: () => ({ open: () => openEngine('onnx', { threads: 1, halvesOnCpu: true }) }),
    }),
  ],
});

describe('precision: float16 of a step', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 't2r-halves-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  test('resumed = uninterrupted, bit for bit, with skipped steps and a scale that grows again', async () => {
    const run = await createTestRun(root, { use: 'halves' }, [halves]);
    await run.run('init', {
      use: 'model/init',
      model: { ...tinyModel, dropout: 0.2 },
      tokenizer: { step: 'tokenizer' },
    });
    const spec = {
      ...tinyTraining,
      steps: 30,
      precision: 'float16',
      lossScale: { initial: 2 ** 30, every: 4 },
      save: { every: 3 },
    };
    const whole = await run.run('whole', spec);
    await run.kill('parts', spec, 5);
    await run.kill('parts', spec, 14);
    const parts = await run.run('parts', spec);
    expect((await loadCheckpoint(run.folder('parts'))).weights).toEqual(
      (await loadCheckpoint(run.folder('whole'))).weights,
    );
    expect(parts.data).toEqual(whole.data);
    expect(whole.metrics['train.loss']).toBeLessThan(3);
  });

  test('is refused before anything runs where the engine multiplies in float32', () => {
    const step = registry.create('step', { ...tinyTraining, precision: 'float16' });
    const plan = (engineSpec: ComponentSpec) => {
      const context = {
        engineSpec,
        create: registry.create.bind(registry),
        input: () => ({}),
      } as unknown as PlanContext;
      return step.plan!(context);
    };
    expect(() => plan({ use: 'onnx' })).toThrow(
      "precision: float16 is not what the engine 'onnx' computes in; it has float32",
    );
    expect(() => plan({ use: 'onnx', provider: 'cpu' })).toThrow(/engine 'onnx' with provider 'cpu'/);
    expect(() => plan({ use: 'cpu' })).toThrow(/engine 'cpu'/);
    expect(plan({ use: 'onnx', provider: 'cuda' })).toEqual({});
  });

  test('a scale without it is refused', () => {
    expect(() => registry.create('step', { ...tinyTraining, lossScale: { initial: 2 } })).toThrow(
      /lossScale needs precision: float16/,
    );
  });
});
