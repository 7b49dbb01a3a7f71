import { type RotaryOptions, type T2rMlpOptions, t2rMlpAttention } from '@t2r/attention';
import type { ComponentSpec } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeMaximum } from './compare.js';
import { createSample, runParallel, runRecurrent, type Sample } from './forms.js';
import { registry, VARIANTS } from './variants.js';

const t2r = (options: Partial<T2rMlpOptions> = {}) =>
  t2rMlpAttention({ features: 8, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 16, ...options });

const quadratic = t2r({ form: 'quadratic' });
const chunked = t2r({ form: 'chunked', chunk: 48 });

const steps = (time: number) => new Array<number>(time).fill(1);

describe.each(['cpu', 'onnx'] as const)('forms of attention on engine %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.dispose());

  describe('t2r over 1,000 tokens, one head with dead features', () => {
    let sample: Sample;
    let reference: Float32Array;
    beforeAll(async () => {
      sample = createSample(quadratic, { batch: 1, heads: 2, time: 1000, headDim: 8 }, { deadHead: true });
      reference = await runParallel(engine, quadratic, sample);
    });

    it('gives 0 where all features are 0', () => {
      expect(reference.subarray(0, 1000 * 8).every((value) => value === 0)).toBe(true);
      expect(reference.subarray(1000 * 8).some((value) => value !== 0)).toBe(true);
    });

    it('chunked = quadratic', async () => {
      expect(relativeMaximum(await runParallel(engine, chunked, sample), reference)).toBeLessThanOrEqual(1e-5);
    });

    it.each([
      ['recurrent', false],
      ['fused', true],
    ])('%s = quadratic', async (_, fused) => {
      const { output } = await runRecurrent(engine, quadratic, sample, { pieces: steps(1000), fused });
      expect(relativeMaximum(output, reference)).toBeLessThanOrEqual(1e-5);
    });

    it('fused prefill in pieces = quadratic', async () => {
      const { output } = await runRecurrent(engine, chunked, sample, { pieces: [500, 300, 200], fused: true });
      expect(relativeMaximum(output, reference)).toBeLessThanOrEqual(1e-5);
    });
  });

  describe.each(VARIANTS)('%s', (_, spec) =>
    checkForms(() => engine, spec, { batch: 2, heads: 2, time: 40, headDim: 4 }),
  );
});

/** Rotary positions of three quarters of a head's columns, where that is an even number of them. */
const ROTARY: RotaryOptions = { base: 100, fraction: 0.75, pairs: 'halves' };

/** Variants whose features can be rotated, with that order. */
const ROTATED = VARIANTS.flatMap(([name, spec]): [string, ComponentSpec][] =>
  ['window-linear', 'softmax', 'softmax-window', 'squared-relu'].includes(spec.use)
    ? []
    : [[`${name}, features rotated`, { ...spec, rotate: 'features' }]],
);

describe.each(['cpu', 'onnx'] as const)(
  'forms with two heads of queries to one of keys, rotary positions, on engine %s',
  (name) => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await openEngine(name);
    });
    afterAll(() => engine.dispose());

    describe.each([...VARIANTS, ...ROTATED])('%s', (_, spec) =>
      checkForms(() => engine, spec, { batch: 2, heads: 4, kvHeads: 2, time: 40, headDim: 4, rotary: ROTARY }),
    );
  },
);

/** Parallel, recurrent, prompts in pieces and fused, of one variant on one sample. */
function checkForms(engineOf: () => Engine, spec: ComponentSpec, size: Parameters<typeof createSample>[1]): void {
  const attention = registry.create('attention', spec);
  const sample = createSample(attention, size);
  const time = size.time;
  let engine: Engine;
  let reference: Float32Array;
  let states: Record<string, Float32Array>;
  beforeAll(async () => {
    engine = engineOf();
    reference = await runParallel(engine, attention, sample);
    const run = await runRecurrent(engine, attention, sample, { pieces: steps(time), capacity: 60 });
    expect(relativeMaximum(run.output, reference)).toBeLessThanOrEqual(1e-5);
    states = run.state;
  });

  it.runIf('form' in attention.options)('quadratic = chunked', async () => {
    for (const form of ['quadratic', 'chunked']) {
      const other = registry.create('attention', { ...spec, form, chunk: 7 });
      expect(relativeMaximum(await runParallel(engine, other, sample), reference)).toBeLessThanOrEqual(1e-5);
    }
  });

  it.each([
    ['whole', [40]],
    ['in pieces', [17, 1, 20, 2]],
  ])('prefill %s = steps', async (_, pieces) => {
    const { output, state } = await runRecurrent(engine, attention, sample, { pieces, capacity: 60 });
    expect(relativeMaximum(output, reference)).toBeLessThanOrEqual(1e-5);
    for (const [name, data] of Object.entries(state))
      expect(relativeMaximum(data, states[name]!)).toBeLessThanOrEqual(1e-5);
  });

  // A rotation before the feature map stands between it and the projections.
  const fusable = attention.fuse && (size.rotary === undefined || attention.rotatesFeatures);
  it.runIf(fusable)('fused prefill and steps = parallel', async () => {
    const { output, state } = await runRecurrent(engine, attention, sample, { pieces: [37, 1, 1, 1], fused: true });
    expect(relativeMaximum(output, reference)).toBeLessThanOrEqual(1e-5);
    for (const [name, data] of Object.entries(state))
      expect(relativeMaximum(data, states[name]!)).toBeLessThanOrEqual(1e-5);
  });

  it('right padding is ignored', async () => {
    const { output, state } = await runRecurrent(engine, attention, sample, {
      pieces: [17, 20, 3],
      padTo: 20,
      capacity: 60,
    });
    expect(relativeMaximum(output, reference)).toBeLessThanOrEqual(1e-5);
    if (attention.recurrent) {
      for (const [name, data] of Object.entries(state))
        expect(relativeMaximum(data, states[name]!)).toBeLessThanOrEqual(1e-5);
    }
  });
}
