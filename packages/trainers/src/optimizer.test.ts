import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '@t2r/engine';
import { expect, test } from 'vitest';
import { createAdam } from './adam.js';
import type { TrainedParameter } from './parameter-patterns.js';
import { applyGradients, slotVariables } from './training-graph.js';

interface Golden {
  shapes: number[][];
  initial: number[][];
  rates: number[];
  gradients: number[][][];
  cases: {
    use: string;
    betas: [number, number];
    eps: number;
    weightDecay: number;
    clip: number;
    norms: number[];
    parameters: number[][][];
  }[];
}
const golden = JSON.parse(
  await readFile(join(import.meta.dirname, '__fixtures__', 'torch-optimizers.json'), 'utf8'),
) as Golden;

/** The golden's parameters, the second one without decay. */
const trained: TrainedParameter[] = golden.shapes.map((shape, i) => ({
  name: `p${i}`,
  shape,
  init: { kind: 'zeros' },
  decay: i === 0,
  group: 0,
}));

/** Runs the golden's five steps on the cpu engine; gradients are fed, summed over `accumulate` equal batches. */
async function trajectory(use: string, options: Golden['cases'][number], decayAll: boolean, accumulate = 1) {
  const engine = await openEngine('cpu');
  const optimizer = createAdam(use, { ...options, decayAll }, use === 'adamw');
  const variables = engine.variables(slotVariables(trained, optimizer));
  golden.shapes.forEach((shape, i) => {
    variables.add(`p${i}`, { shape, data: Float32Array.from(golden.initial[i]!) });
  });
  const gradientSpecs = Object.fromEntries(golden.shapes.map((shape, i) => [`g${i}`, { shape }]));
  const scalarSpecs = Object.fromEntries(optimizer.scalars.map((name) => [name, { shape: [] }]));
  const program = await engine.compile({
    name: 'update',
    inputs: { ...gradientSpecs, ...scalarSpecs },
    variables,
    program: (inputs, values) => {
      const gradients = golden.shapes.map((_, i) => inputs[`g${i}`]!);
      const update = applyGradients(trained, optimizer, { accumulate, clip: options.clip }, inputs, values, gradients);
      return { outputs: { norm: update.norm }, updates: update.updates };
    },
  });
  const parameters: Float32Array[][] = [];
  const norms: number[] = [];
  for (const [step, rate] of golden.rates.entries()) {
    const feeds: Record<string, Float32Array> = {};
    for (const [name, value] of Object.entries(optimizer.scalarsAt(step, rate))) feeds[name] = Float32Array.of(value);
    golden.gradients[step]!.forEach((gradient, i) => {
      feeds[`g${i}`] = Float32Array.from(gradient, (value) => value * accumulate);
    });
    const { norm } = await program.run(feeds);
    norms.push(norm![0]!);
    parameters.push(golden.shapes.map((_, i) => variables.read(`p${i}`) as Float32Array));
  }
  return { parameters, norms };
}

const largestError = (actual: Float32Array[][], expected: number[][][]) =>
  Math.max(
    ...expected
      .flat(2)
      .map((value, i) => Math.abs(value - actual.flatMap((step) => step.map((p) => [...p])).flat(2)[i]!)),
  );

test.each(golden.cases)('$use, decay $weightDecay, clip $clip: the parameters PyTorch gives', async (options) => {
  const { parameters, norms } = await trajectory(options.use, options, true);
  expect(largestError(parameters, options.parameters)).toBeLessThan(3e-7);
  options.norms.forEach((norm, i) => {
    expect(norms[i]! / norm).toBeCloseTo(1, 6);
  });
});

test('summed gradients give the step that their mean gives', async () => {
  const options = golden.cases.at(-1)!;
  const { parameters, norms } = await trajectory(options.use, options, true, 4);
  expect(largestError(parameters, options.parameters)).toBeLessThan(3e-7);
  expect(norms[0]! / options.norms[0]!).toBeCloseTo(1, 6);
});

test('parameters marked decay: false are left out of weight decay unless decayAll is set', async () => {
  const options = golden.cases.find(({ use, weightDecay }) => use === 'adamw' && weightDecay === 0.1)!;
  const all = (await trajectory('adamw', options, true)).parameters.at(-1)!;
  const some = (await trajectory('adamw', options, false)).parameters.at(-1)!;
  const none = (await trajectory('adamw', { ...options, weightDecay: 0 }, true)).parameters.at(-1)!;
  expect(some[0]).toEqual(all[0]);
  expect(some[1]).toEqual(none[1]);
  expect(some[1]).not.toEqual(all[1]);
});
