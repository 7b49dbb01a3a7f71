/** Test support: runs the same function on the plain cpu backend and compiled, and compares values and gradients. */
import { createRandom, type Random } from '@t2r/core';
import * as tf from '@tensorflow/tfjs';
import { openEngine } from '../open.js';
import { sizeOf } from '../ops/shape.js';
import type { DType, Engine, HostArray, Provider, TensorSpec } from '../types.js';

/** One argument of a function under test. */
export interface Argument extends TensorSpec {
  /** Range of the values drawn. Default [-2, 2]. */
  range?: [number, number];
  /** Whether the gradient by it is compared. Default: float32 arguments. */
  differentiate?: boolean;
}

export interface Case {
  arguments: Argument[];
  run: (...args: tf.Tensor[]) => tf.Tensor | tf.Tensor[];
}

function draw(random: Random, { shape, dtype = 'float32', range = [-2, 2] }: Argument): HostArray {
  const [low, high] = range;
  const size = sizeOf(shape);
  if (dtype === 'float32') return Float32Array.from({ length: size }, () => low + (high - low) * random.uniform());
  return Int32Array.from({ length: size }, () => low + random.integer(high - low));
}

/** Largest difference relative to the largest magnitude of the reference (at least 1e-6). */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let scale = 1e-6;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    scale = Math.max(scale, Math.abs(expected[i]!));
    // Written so that a NaN on one side only counts as a difference.
    const difference = Object.is(actual[i], expected[i]) ? 0 : Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= worst)) worst = difference;
  }
  return worst / scale;
}

/** Values `y0, y1, ..` and, for each differentiated argument, `d0, d1, ..` of a random projection of the values. */
function program(testCase: Case, names: string[]) {
  const isFloat = (argument: Argument) => (argument.dtype ?? 'float32') === 'float32';
  const wanted = testCase.arguments.flatMap((a, i) => ((a.differentiate ?? isFloat(a)) ? [i] : []));
  return (inputs: Record<string, tf.Tensor>) => {
    const args = names.map((name) => inputs[name]!);
    const values = [testCase.run(...args)].flat();
    const outputs: Record<string, tf.Tensor> = Object.fromEntries(values.map((value, i) => [`y${i}`, value]));
    const scalar = (...free: tf.Tensor[]) => {
      const all = args.map((arg, i) => (wanted.includes(i) ? free[wanted.indexOf(i)]! : arg));
      const terms = [testCase.run(...all)].flat().flatMap((value) => {
        if (value.dtype !== 'float32') return [];
        const weights = Float32Array.from({ length: sizeOf(value.shape) }, (_, i) => Math.cos(1.7 * i + 0.3));
        return [tf.sum(tf.mul(value, tf.tensor(weights, value.shape)))];
      });
      return tf.addN(terms) as tf.Scalar;
    };
    if (wanted.length > 0) {
      const gradients = tf.grads(scalar)(wanted.map((i) => args[i]!));
      for (const [k, gradient] of gradients.entries()) outputs[`d${wanted[k]}`] = gradient;
    }
    return { outputs };
  };
}

/** The two engines, opened once a test file; the compiled one on the provider in T2R_TEST_PROVIDER, where it is set. */
export async function openBoth(): Promise<[plain: Engine, compiled: Engine]> {
  return [
    await openEngine('cpu'),
    await openEngine('onnx', { threads: 2, provider: (process.env.T2R_TEST_PROVIDER || 'cpu') as Provider }),
  ];
}

/** Values and gradients of a case on an engine, with random contents drawn from `seed`. */
export async function evaluateCase(engine: Engine, testCase: Case, seed = 1): Promise<Record<string, HostArray>> {
  const random = createRandom(seed, 'engine parity');
  const names = testCase.arguments.map((_, i) => `x${i}`);
  const specs = testCase.arguments.map(({ shape, dtype }): TensorSpec => ({ shape, dtype: dtype as DType }));
  const inputs = Object.fromEntries(names.map((name, i) => [name, specs[i]!]));
  const feeds = Object.fromEntries(names.map((name, i) => [name, draw(random, testCase.arguments[i]!)]));
  const compiled = await engine.compile({ name: 'case', inputs, program: program(testCase, names) });
  const results = await compiled.run(feeds);
  await compiled.dispose();
  return results;
}

/** Largest relative error over all values and gradients. */
export function largestError(actual: Record<string, HostArray>, expected: Record<string, HostArray>): number {
  return Math.max(...Object.keys(expected).map((key) => relativeError(actual[key]!, expected[key]!)));
}

/** Largest relative error of the compiled engine against the plain one. */
export async function compareEngines([plain, compiled]: [Engine, Engine], testCase: Case, seed = 1): Promise<number> {
  return largestError(await evaluateCase(compiled, testCase, seed), await evaluateCase(plain, testCase, seed));
}
