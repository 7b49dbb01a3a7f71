import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRotation, type RotaryOptions, rotaryFrequencies } from './rotary.js';
import { softmaxAttention } from './softmax.js';
import { t2rMlpAttention } from './t2r-mlp.js';
import { t2rNormAttention } from './t2r-norm.js';
import { windowLinearAttention } from './window-linear.js';

const PLAIN: RotaryOptions = { base: 10_000, fraction: 1, pairs: 'halves' };
const [H, T, D] = [2, 12, 8];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const difference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

/** R_p of one row by complex numbers: pair (a, b) becomes (a + ib) e^(i p w). */
function turned(row: number[], p: number, { base, fraction, pairs }: RotaryOptions): number[] {
  const count = Math.floor((row.length * fraction) / 2);
  const out = [...row];
  for (let j = 0; j < count; j++) {
    const angle = p * base ** ((-2 * j) / (2 * count));
    const [a, b] = pairs === 'halves' ? [j, j + count] : [2 * j, 2 * j + 1];
    out[a] = row[a]! * Math.cos(angle) - row[b]! * Math.sin(angle);
    out[b] = row[a]! * Math.sin(angle) + row[b]! * Math.cos(angle);
  }
  return out;
}

const turnAll = (x: tf.Tensor, options: RotaryOptions): tf.Tensor =>
  tf.tensor((x.arraySync() as number[][][][]).map((b) => b.map((h) => h.map((row, p) => turned(row, p, options)))));

describe('rotary positions', () => {
  it.each([
    ['halves', PLAIN],
    ['interleaved pairs', { ...PLAIN, pairs: 'interleaved' as const }],
    ['part of the columns', { ...PLAIN, base: 500, fraction: 0.5 }],
    ['no pair', { ...PLAIN, fraction: 0.1 }],
  ])('turn %s', (_, options) => {
    const x = normal([2, H, T, D], 1);
    expect(difference(createRotation(options, T).rotate(x), turnAll(x, options))).toBeLessThan(1e-6);
  });

  it('leave inner products to the distance of two positions', () => {
    const rotation = createRotation(PLAIN, T);
    const same = (seed: number) => tf.add(normal([1, H, 1, D], seed), tf.zeros([1, H, T, D]));
    const products = tf
      .matMul(rotation.rotate(same(1)), rotation.rotate(same(2)), false, true)
      .arraySync() as number[][][][];
    for (const rows of products[0]!)
      for (let t = 1; t < T; t++) for (let s = 1; s < T; s++) expect(rows[t]![s]!).toBeCloseTo(rows[t - 1]![s - 1]!, 5);
  });

  it.each([
    ['plain', undefined],
    ['dynamic', { type: 'dynamic' as const, factor: 2, maxPositions: 100 }],
  ])('are the same at positions known only at run time: %s', (_, scaling) => {
    const options = { ...PLAIN, scaling };
    const positions = [0, 3, 99, 100, 1000, 1999];
    const x = normal([1, 1, 2000, D], 1);
    const whole = createRotation(options, 2000).rotate(x);
    const indices = tf.tensor1d(positions, 'int32');
    const some = createRotation(options, indices).rotate(tf.gather(x, indices, 2));
    // Dynamic angles are float32 beyond maxPositions: 2000 * 2^-24 radians.
    expect(difference(some, tf.gather(whole, indices, 2))).toBeLessThan(scaling ? 1e-3 : 1e-6);
  });

  it('stretch: linear divides all frequencies, llama3 low ones, dynamic none before its length', () => {
    const plain = rotaryFrequencies(PLAIN, 32);
    const scaled = (scaling: RotaryOptions['scaling']) => rotaryFrequencies({ ...PLAIN, scaling }, 32);
    expect(scaled({ type: 'linear', factor: 4 })).toEqual(plain.map((w) => w / 4));
    expect(scaled({ type: 'dynamic', factor: 4, maxPositions: 10 })).toEqual(plain);
    expect(() => scaled({ type: 'llama3', factor: 8 })).toThrow('rotary.scaling: type llama3 needs maxPositions');
    const ratios = scaled({ type: 'llama3', factor: 8, maxPositions: 8192 }).map((w, j) => w / plain[j]!);
    expect(ratios.slice(0, 18)).toEqual(new Array(18).fill(1));
    expect(ratios.at(-1)).toBeCloseTo(1 / 8, 12);
    expect(ratios).toEqual([...ratios].sort((a, b) => b - a));
  });
});

describe('rotated features', () => {
  const options = {
    features: 6,
    activation: 'relu',
    bias: true,
    epsilon: 1e-2,
    form: 'quadratic',
    chunk: 4,
    rotate: 'features',
  } as const;
  const parameters = () => ({ 'phi.weight': normal([H, 6, D], 4), 'phi.bias': normal([H, 6], 5) });

  /** phi(x) of the definition: relu(W x + b), scaled for queries. */
  function phi(x: tf.Tensor, { 'phi.weight': w, 'phi.bias': b }: Record<string, tf.Tensor>, scale: number): tf.Tensor {
    const weight = tf.add(tf.reshape(w!, [1, H, 6, D]), tf.zeros([2, 1, 1, 1]));
    return tf.relu(tf.add(tf.matMul(tf.mul(x, scale), weight, false, true), tf.reshape(b!, [1, H, 1, 6])));
  }

  const triangle = tf.tidy(() =>
    tf.tensor2d(Array.from({ length: T }, (_, t) => Array.from({ length: T }, (_, s) => Number(s <= t)))),
  );

  it('turn the numerator alone', () => {
    const [q, k, v] = [1, 2, 3].map((seed) => normal([2, H, T, D], seed)) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const own = parameters();
    const attention = t2rMlpAttention(options);
    const rotation = createRotation(PLAIN, T);
    const y = attention.parallel(q, k, v, own, { causal: true, rotation });
    const [fq, fk] = [phi(q, own, D ** -0.5), phi(k, own, 1)];
    const signed = tf.matMul(turnAll(fq, PLAIN), turnAll(fk, PLAIN), false, true);
    const positive = tf.mul(tf.matMul(fq, fk, false, true), triangle);
    const sums = tf.maximum(tf.sum(positive, -1, true), 1e-2);
    expect(difference(y, tf.div(tf.matMul(tf.mul(signed, triangle), v), sums))).toBeLessThan(1e-5);
  });

  it('need no denominator in t2r-norm, as SUPRA', () => {
    const [q, k, v] = [1, 2, 3].map((seed) => normal([2, H, T, D], seed)) as [tf.Tensor, tf.Tensor, tf.Tensor];
    const own = parameters();
    const attention = t2rNormAttention({ ...options, shared: true, scale: 'query', decay: false, epsilon: 1e-5 });
    const y = attention.parallel(q, k, v, own, { causal: true, rotation: createRotation(PLAIN, T) });
    const signed = tf.matMul(turnAll(phi(q, own, D ** -0.5), PLAIN), turnAll(phi(k, own, 1), PLAIN), false, true);
    const mixed = tf.matMul(tf.mul(signed, triangle), v);
    const centred = tf.sub(mixed, tf.mean(mixed, -1, true));
    const expected = tf.div(centred, tf.sqrt(tf.add(tf.mean(tf.square(centred), -1, true), 1e-5)));
    expect(difference(y, expected)).toBeLessThan(1e-4);
  });

  it('are refused where a window takes rotated keys', () => {
    const hybrid = { window: 2, affine: false, form: 'auto', chunk: 4, epsilon: 1e-12, windowFactor: 0.1 } as const;
    expect(() => windowLinearAttention({ ...hybrid, linear: t2rMlpAttention(options) })).toThrow(
      /window-linear rotates queries and keys before the feature map/,
    );
    expect(softmaxAttention().rotatesFeatures).toBeUndefined();
  });
});
