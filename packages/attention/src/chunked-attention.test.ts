/** The chunked form with its own gradient against the quadratic form with that of TensorFlow.js, on both engines. */
import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chunkedAttention, chunkSize } from './chunked-attention.js';
import { quadraticForm } from './linear-forms.js';

let plain: Engine;
let compiled: Engine;

beforeAll(async () => {
  plain = await openEngine('cpu');
  compiled = await openEngine('onnx', { threads: 2 });
});
afterAll(async () => {
  await plain.dispose();
  await compiled.dispose();
});

interface Shape {
  heads?: number;
  kvHeads?: number;
  time: number;
  chunk: number;
  epsilon?: number;
}

type Results = Record<string, ArrayLike<number>>;

/** The output y and the gradients of a random projection of it by q, k and v; features are half zeros, as relu makes them. */
async function run(engine: Engine, form: 'chunked' | 'quadratic', shape: Shape): Promise<Results> {
  const { heads = 2, kvHeads = heads, time, chunk, epsilon = 1e-2 } = shape;
  const [batch, features, width] = [2, 3, 5];
  const shapes = {
    q: [batch, heads, time, features],
    k: [batch, kvHeads, time, features],
    v: [batch, kvHeads, time, width],
    dy: [batch, heads, time, width],
  };
  const attend = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
    form === 'chunked' ? chunkedAttention(q, k, v, { epsilon, chunk }) : quadraticForm(q, k, v, { epsilon });
  const program = await engine.compile({
    name: form,
    inputs: Object.fromEntries(Object.entries(shapes).map(([name, of]) => [name, { shape: of }])),
    program: ({ q, k, v, dy }) => {
      const output = (...[a, b, c]: tf.Tensor[]) => attend(tf.relu(a!), tf.relu(b!), c!);
      const [dq, dk, dv] = tf.grads(output)([q!, k!, v!], dy!);
      return { outputs: { y: output(q!, k!, v!), dq: dq!, dk: dk!, dv: dv! } };
    },
  });
  const draw = (name: string, of: number[]) => {
    const random = createRandom(1, name);
    return Float32Array.from({ length: of.reduce((a, b) => a * b) }, () => random.normal());
  };
  const results = await program.run(
    Object.fromEntries(Object.entries(shapes).map(([name, of]) => [name, draw(name, of)])),
  );
  await program.dispose();
  return results;
}

/** Largest difference over the largest magnitude, over y and all gradients. */
function largestError(actual: Results, expected: Results): number {
  const errors = Object.entries(expected).map(([name, values]) => {
    const differences = Array.from(values, (value, i) => Math.abs(value - actual[name]![i]!));
    const magnitudes = Array.from(values, Math.abs);
    const largest = (numbers: number[]) => numbers.reduce((a, b) => Math.max(a, b));
    return largest(differences) / largest(magnitudes);
  });
  return Math.max(...errors);
}

describe('chunked attention', () => {
  it.each([
    ['several chunks', { time: 24, chunk: 4 }],
    ['one chunk', { time: 6, chunk: 8 }],
    ['a chunk that divides the length', { time: 15, chunk: 8 }],
    ['padding', { time: 13, chunk: 4 }],
    ['grouped heads', { heads: 6, kvHeads: 2, time: 12, chunk: 4 }],
    ['grouped heads and padding', { heads: 4, kvHeads: 2, time: 7, chunk: 3 }],
    ['a bound that acts at the first positions', { time: 24, chunk: 4, epsilon: 2 }],
  ] as [string, Shape][])('equals the quadratic form, gradients too: %s', async (_, shape) => {
    const expected = await run(plain, 'quadratic', shape);
    expect(largestError(await run(plain, 'chunked', shape), expected)).toBeLessThan(2e-6);
    expect(largestError(await run(compiled, 'chunked', shape), expected)).toBeLessThan(2e-6);
  });

  it('keeps its digits over 4,096 positions', async () => {
    const long = { heads: 1, time: 4096, chunk: 64 };
    const expected = await run(compiled, 'quadratic', long);
    expect(largestError(await run(compiled, 'chunked', long), expected)).toBeLessThan(2e-5);
  });
});

describe('chunk size', () => {
  it.each([
    [40, 64, 40],
    [64, 64, 64],
    [96, 64, 48],
    [4096, 64, 64],
    [200, 64, 50],
    [130, 64, 64],
    [131, 2, 2],
  ])('%i positions in chunks of at most %i: %i', (time, chunk, size) => {
    expect(chunkSize(time, chunk)).toBe(size);
  });
});
