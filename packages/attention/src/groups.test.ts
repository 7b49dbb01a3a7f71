/** Grouped-query attention against the same with keys, values and feature maps repeated for every head of queries. */
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Attention } from './contract.js';
import { eluAttention } from './elu.js';
import { softmaxAttention } from './softmax.js';
import { softmaxWindowAttention } from './softmax-window.js';
import { t2rMlpAttention } from './t2r-mlp.js';
import { t2rNormAttention } from './t2r-norm.js';
import { windowLinearAttention } from './window-linear.js';

const [B, H, G, T, D] = [2, 6, 2, 20, 4];
const linear = { form: 'quadratic', chunk: 7, epsilon: 1e-2 } as const;
const t2r = { features: 5, activation: 'relu', bias: true, ...linear } as const;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
const difference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;
/** Every head of an axis, three times in a row. */
const repeat = (x: tf.Tensor, axis: number) => tf.gather(x, tf.tensor1d([0, 0, 0, 1, 1, 1], 'int32'), axis);

/** Name, the attention, and its parameters with the axis of key heads. */
const cases: [string, Attention, Record<string, [shape: number[], axis?: number]>][] = [
  ['softmax', softmaxAttention(), {}],
  ['softmax over a window', softmaxWindowAttention({ window: 5 }), {}],
  ['t2r', t2rMlpAttention(t2r), { 'phi.weight': [[G, 5, D], 0], 'phi.bias': [[G, 5], 0] }],
  [
    't2r in chunks, with a gate',
    t2rMlpAttention({ ...t2r, form: 'chunked', gate: 'recency' }),
    {
      'phi.weight': [[G, 5, D], 0],
      'phi.bias': [[G, 5], 0],
      'gate.weight': [[H * D, G], 1],
      'gate.bias': [[G], 0],
    },
  ],
  [
    't2r-norm',
    t2rNormAttention({ ...t2r, shared: true, scale: 'query', decay: false }),
    { 'phi.weight': [[G, 5, D], 0], 'phi.bias': [[G, 5], 0] },
  ],
  [
    'window and elu',
    windowLinearAttention({ window: 5, affine: true, windowFactor: 0.1, ...linear, linear: eluAttention(linear) }),
    { 'window.factor': [[H]] },
  ],
];

describe.each(cases)('%s', (_, attention, shapes) => {
  const inputs = () =>
    [normal([B, H, T, D], 1), normal([B, G, T, D], 2), normal([B, G, T, D], 3)] as [tf.Tensor, tf.Tensor, tf.Tensor];
  const parameters = () =>
    Object.fromEntries(Object.entries(shapes).map(([name, [shape]], i) => [name, normal(shape, 10 + i)]));
  const repeated = () =>
    Object.fromEntries(
      Object.entries(parameters()).map(([name, value]) => {
        const axis = shapes[name]![1];
        return [name, axis === undefined ? value : repeat(value, axis)];
      }),
    );

  it('has a map and a state for every head of keys', () => {
    const specs = attention.parameters({ heads: H, headDim: D, kvHeads: G });
    expect(Object.fromEntries(specs.map(({ name, shape }) => [name, shape]))).toEqual(
      Object.fromEntries(Object.entries(shapes).map(([name, [shape]]) => [name, shape])),
    );
    for (const { shape } of attention.state({ heads: H, headDim: D, kvHeads: G }, B, 9)) expect(shape[1]).toBe(G);
  });

  it('equals attention with repeated heads, gradients too', () => {
    const options = { causal: true, input: normal([B, T, H * D], 7) };
    const grouped = (...[q, k, v]: tf.Tensor[]) => attention.parallel(q!, k!, v!, parameters(), options);
    const plain = (...[q, k, v]: tf.Tensor[]) =>
      attention.parallel(q!, repeat(k!, 1), repeat(v!, 1), repeated(), options);
    expect(difference(grouped(...inputs()), plain(...inputs()))).toBeLessThan(1e-5);
    const dy = normal([B, H, T, D], 4);
    const wanted = tf.grads(plain)(inputs(), dy);
    for (const [i, gradient] of tf.grads(grouped)(inputs(), dy).entries())
      expect(difference(gradient, wanted[i]!)).toBeLessThan(1e-4);
  });
});

describe('attention from one sequence to another', () => {
  it.each([
    ['softmax', softmaxAttention(), {}],
    ['t2r', t2rMlpAttention(t2r), { 'phi.weight': [G, 5, D], 'phi.bias': [G, 5] }],
  ] as [string, Attention, Record<string, number[]>][])(
    '%s equals that with repeated heads',
    (_, attention, shapes) => {
      const own = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, normal(shape, 10 + i)]));
      const each = Object.fromEntries(Object.entries(own).map(([name, value]) => [name, repeat(value, 0)]));
      const [q, k, v] = [normal([B, H, 3, D], 1), normal([B, G, T, D], 2), normal([B, G, T, D], 3)];
      const keyMask = tf.tensor2d(
        Array.from({ length: B }, (_, b) => Array.from({ length: T }, (_, s) => Number(s < 9 + b))),
      );
      const options = { causal: false, keyMask };
      const plain = attention.parallel(q, repeat(k, 1), repeat(v, 1), each, options);
      expect(difference(attention.parallel(q, k, v, own, options), plain)).toBeLessThan(1e-5);
    },
  );
});
