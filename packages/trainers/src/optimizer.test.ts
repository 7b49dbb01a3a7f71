import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine, sizeOf } from '@t2r/engine';
import { expect, test } from 'vitest';
import { createAdam } from './adam.js';
import type { UpdateInput } from './optimizer.js';
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

test('small parameters are updated as one, bit for bit as each by itself', async () => {
  const shapes = [[3], [2, 4], [70, 70], [5], [], [6], [3]];
  const parameters: TrainedParameter[] = shapes.map((shape, i) => ({
    name: `p${i}`,
    shape,
    init: { kind: 'zeros' },
    decay: i % 2 === 0,
    group: i === 5 ? 1 : 0,
  }));
  const adam = createAdam('adamw', { betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.1, decayAll: false }, true);
  const numbers = (length: number, by: number) => Float32Array.from({ length }, (_, i) => Math.sin(by * (i + 1)));
  const scalars = Object.fromEntries(
    adam.scalars.flatMap((name, i) => [
      [name, 0.5 + i / 10],
      [`${name}@1`, 0.25 + i / 10],
    ]),
  );
  const after: Record<string, Float32Array>[] = [];
  const nodes: number[] = [];
  for (const elementwise of [true, false]) {
    const engine = await openEngine('onnx', { threads: 1 });
    const optimizer = { ...adam, elementwise };
    const variables = engine.variables(slotVariables(parameters, optimizer));
    for (const [i, { name, shape }] of parameters.entries())
      variables.add(name, { shape, data: numbers(sizeOf(shape), i + 1) });
    let updates = 0;
    const program = await engine.compile({
      name: 'update',
      inputs: Object.fromEntries([
        ...parameters.map(({ name, shape }) => [`g.${name}`, { shape }]),
        ...Object.keys(scalars).map((name) => [name, { shape: [] }]),
      ]),
      variables,
      program: (inputs, values) => {
        const gradients = parameters.map(({ name }) => inputs[`g.${name}`]!);
        const counting = (input: UpdateInput) => {
          updates++;
          return optimizer.update(input);
        };
        const counted = { ...optimizer, update: counting };
        const update = applyGradients(parameters, counted, { accumulate: 1, clip: 0.7 }, inputs, values, gradients);
        return { outputs: { norm: update.norm }, updates: update.updates };
      },
    });
    for (const step of [1, 2, 3]) {
      const gradients = parameters.map(({ name, shape }, i) => [`g.${name}`, numbers(sizeOf(shape), step + i / 7)]);
      const fed = Object.entries(scalars).map(([name, value]) => [name, Float32Array.of(value)]);
      await program.run(Object.fromEntries([...gradients, ...fed]));
    }
    nodes.push(updates);
    after.push(Object.fromEntries(variables.names().map((name) => [name, variables.read(name) as Float32Array])));
    await engine.dispose();
  }
  // Of group 0 those with and those without decay, the large one, and the one of group 1.
  expect(nodes).toEqual([4, 7]);
  expect(after[0]).toEqual(after[1]);
  expect(after[0]!.p0).not.toEqual(numbers(3, 1));
});
