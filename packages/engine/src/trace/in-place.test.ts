/** Which variables are overwritten in place, and that a run gives what the plain engine gives either way. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestError, openBoth } from '../testing/compare.js';
import type { Engine, HostTensor, Program } from '../types.js';
import { inPlaceUpdates } from './in-place.js';
import { traceProgram, variableName } from './trace.js';

let engines: Engine[];
beforeAll(async () => {
  engines = await openBoth();
});

const inputs = { x: { shape: [3, 3] }, rate: { shape: [] } };
const feeds = {
  x: Float32Array.from({ length: 9 }, (_, i) => Math.sin(i)),
  rate: Float32Array.of(0.1),
};

/** Variables p and s, both [3, 3]. */
function initial(): Record<string, HostTensor> {
  const data = (phase: number) => Float32Array.from({ length: 9 }, (_, i) => Math.cos(i + phase));
  return { p: { shape: [3, 3], data: data(0) }, s: { shape: [3, 3], data: data(1) } };
}

/** The variables that a program may overwrite, after three runs of it have agreed with the plain engine. */
async function inPlace(program: Program): Promise<string[]> {
  const runs = [];
  for (const engine of engines) {
    const variables = engine.variables(initial());
    const compiled = await engine.compile({ name: 'in place', inputs, variables, program });
    const outputs = [];
    for (let step = 0; step < 3; step++) outputs.push(await compiled.run(feeds));
    runs.push({ outputs, p: variables.read('p'), s: variables.read('s') });
    await compiled.dispose();
  }
  const [plain, traced] = runs as [(typeof runs)[0], (typeof runs)[0]];
  expect(largestError({ p: traced.p, s: traced.s }, { p: plain.p, s: plain.s })).toBeLessThan(1e-5);
  plain.outputs.forEach((expected, i) => {
    expect(largestError(traced.outputs[i]!, expected)).toBeLessThan(1e-5);
  });
  const variables = engines[1]!.variables(initial());
  const { graph, updates } = traceProgram({ name: 'in place', inputs, variables, program });
  const pairs = updates.map(({ key, name }) => ({ key, input: variableName(key), output: name }));
  return [...inPlaceUpdates(graph, pairs)].sort();
}

const product = (a: tf.Tensor, b: tf.Tensor) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D);

describe('in place are written', () => {
  it('sums, and running means of an optimizer', async () => {
    const program: Program = ({ x }, { p, s }) => ({
      outputs: {},
      updates: { p: tf.add(p!, x!), s: tf.add(tf.mul(s!, 0.9), tf.mul(x!, 0.1)) },
    });
    expect(await inPlace(program)).toEqual(['p', 's']);
  });

  it('a parameter that its own gradient has been computed from', async () => {
    const program: Program = ({ x, rate }, { p }) => {
      const { value, grads } = tf.valueAndGrads((w: tf.Tensor) => tf.mean(tf.square(product(x!, w))) as tf.Scalar)([
        p!,
      ]);
      return { outputs: { loss: value }, updates: { p: tf.sub(p!, tf.mul(grads[0]!, rate!)) } };
    };
    expect(await inPlace(program)).toEqual(['p']);
  });

  it('one that keeps its value where a condition does not hold', async () => {
    const program: Program = ({ x, rate }, { p, s }) => {
      const holds = tf.less(rate!, 0.5);
      return {
        outputs: {},
        updates: {
          p: tf.where(holds, tf.sub(p!, tf.mul(x!, rate!)), p!),
          s: tf.where(tf.logicalNot(holds), tf.mul(s!, 2), s!),
        },
      };
    };
    expect(await inPlace(program)).toEqual(['p', 's']);
  });

  it('one that a reader on the way to its update reads', async () => {
    const program: Program = (_, { p }) => ({
      outputs: {},
      updates: { p: tf.sub(p!, tf.mul(0.01, tf.sum(tf.exp(p!)))) },
    });
    expect(await inPlace(program)).toEqual(['p']);
  });
});

describe('not in place are written', () => {
  const refused: Record<string, Program> = {
    'what an output hands out as it is': (_, { p }) => ({ outputs: { p: p! }, updates: { p: tf.add(p!, 1) } }),
    'what an output hands out in another shape': (_, { p }) => ({
      outputs: { flat: tf.reshape(p!, [9]) },
      updates: { p: tf.add(p!, 1) },
    }),
    'what may still be read when the update is made': (_, { p }) => ({
      outputs: { sum: tf.sum(tf.exp(p!)) },
      updates: { p: tf.add(p!, 1) },
    }),
    'two that are computed from each other': (_, { p, s }) => ({
      outputs: {},
      updates: { p: tf.add(p!, s!), s: tf.sub(p!, s!) },
    }),
    'two that change places': (_, { p, s }) => ({ outputs: {}, updates: { p: s!, s: p! } }),
    'products, which read an element more than once': ({ x }, { p }) => ({
      outputs: {},
      updates: { p: product(p!, x!) },
    }),
    'sums with a product of the variable, which may be one node with it': ({ x }, { p }) => ({
      outputs: {},
      updates: { p: tf.add(p!, product(p!, x!)) },
    }),
    'moved elements': (_, { p }) => ({ outputs: {}, updates: { p: tf.transpose(p!) } }),
    'sums with moved elements': (_, { p }) => ({ outputs: {}, updates: { p: tf.add(p!, tf.transpose(p!)) } }),
    'what does not read the variable': ({ x }, { p }) => ({
      outputs: { sum: tf.sum(p!) },
      updates: { p: tf.mul(x!, 2) },
    }),
  };
  for (const [name, program] of Object.entries(refused))
    it(name, async () => {
      expect(await inPlace(program)).toEqual([]);
    });
});
