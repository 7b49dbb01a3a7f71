import '@tensorflow/tfjs';
import type { DropoutSource } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Attention } from './contract.js';
import { eluAttention } from './elu.js';
import { softmaxAttention } from './softmax.js';
import { softmaxWindowAttention } from './softmax-window.js';
import { windowLinearAttention } from './window-linear.js';

const [B, H, T, D] = [2, 2, 130, 3];
const linear = { epsilon: 1e-6, form: 'auto', chunk: 16 } as const;

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
let inputs: [tf.Tensor, tf.Tensor, tf.Tensor];
const factor = () => ({ 'window.factor': tf.tensor1d([-1, 0.5]) });

beforeAll(async () => {
  await tf.setBackend('cpu');
  inputs = [normal([B, H, T, D], 1), normal([B, H, T, D], 2), normal([B, H, T, D], 3)];
});

const difference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

/** [T, T]: 1 where `keep(query, key)`. */
const mask = (keep: (t: number, s: number) => boolean) =>
  tf.tensor2d(Array.from({ length: T }, (_, t) => Array.from({ length: T }, (_, s) => Number(keep(t, s)))));
const near = (window: number) => mask((t, s) => s <= t && t - s < window);
const older = (window: number) => mask((t, s) => t - s >= window);

type Dense = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) => tf.Tensor;

/** Softmax weights e^score with the largest one of the window 1, on all [T, T] pairs. */
function windowWeights(q: tf.Tensor, k: tf.Tensor, band: tf.Tensor): tf.Tensor {
  const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), D ** -0.5), tf.mul(tf.sub(band, 1), 1e9));
  return tf.exp(tf.sub(scores, tf.max(scores, -1, true)));
}

const denseSoftmax =
  (window: number): Dense =>
  (q, k, v) => {
    const weights = windowWeights(q, k, near(window));
    return tf.matMul(tf.div(weights, tf.sum(weights, -1, true)), v);
  };

/** The formula of LoLCATs on dense weights, with phi(x) = elu(x) + 1. */
const denseHybrid =
  (window: number, affine: boolean): Dense =>
  (q, k, v) => {
    const phi = (x: tf.Tensor) => tf.add(tf.elu(x), 1);
    const g = tf.reshape(tf.sigmoid(factor()['window.factor']), [1, H, 1, 1]);
    const soft = tf.mul(windowWeights(q, k, near(window)), g);
    const similar = tf.mul(tf.matMul(phi(q), phi(k), false, true), older(window));
    const weights = tf.add(soft, affine ? tf.mul(similar, tf.sub(1, g)) : similar);
    return tf.matMul(tf.div(weights, tf.sum(weights, -1, true)), v);
  };

const hybrid = (window: number, form: 'quadratic' | 'chunked', affine: boolean) =>
  windowLinearAttention({
    ...{ window, affine, form, chunk: 16, epsilon: 1e-12, windowFactor: 0.1 },
    linear: eluAttention(linear),
  });

/** Windows shorter and longer than a block of positions, and than the text. */
const cases: [string, Attention, Dense][] = [
  ['softmax over 1', softmaxWindowAttention({ window: 1 }), denseSoftmax(1)],
  ['softmax over 70', softmaxWindowAttention({ window: 70 }), denseSoftmax(70)],
  ['softmax over 5 and elu', hybrid(5, 'quadratic', false), denseHybrid(5, false)],
  ['softmax over 70 and elu, affine, chunked', hybrid(70, 'chunked', true), denseHybrid(70, true)],
  ['softmax over 200 and elu', hybrid(200, 'quadratic', false), denseHybrid(200, false)],
];

describe.each(cases)('%s', (_, attention, dense) => {
  it('is the dense formula, gradients too', () => {
    const fast: Dense = (q, k, v) => attention.parallel(q, k, v, factor(), { causal: true });
    expect(difference(fast(...inputs), dense(...inputs))).toBeLessThan(1e-5);
    const dy = normal([B, H, T, D], 4);
    const expected = tf.grads(dense)(inputs, dy);
    for (const [i, gradient] of tf.grads(fast)(inputs, dy).entries()) {
      expect(difference(gradient, expected[i]!)).toBeLessThan(2e-5);
    }
  });

  it('ignores padded keys', () => {
    const keyMask = tf.tensor2d(Array.from({ length: B }, () => Array.from({ length: T }, (_, s) => Number(s < 100))));
    const cut = (x: tf.Tensor) => tf.slice(x, [0, 0, 0, 0], [B, H, 100, D]);
    const [q, k, v] = inputs;
    const whole = attention.parallel(q, k, v, factor(), { causal: true, keyMask });
    const short = attention.parallel(cut(q), cut(k), cut(v), factor(), { causal: true });
    expect(difference(cut(whole), short)).toBeLessThan(1e-5);
  });
});

describe('windows', () => {
  it.each([
    ['softmax', softmaxWindowAttention({ window: 5 }), denseSoftmax(5)],
    ['the hybrid', hybrid(5, 'quadratic', true), denseHybrid(5, true)],
  ] as [string, Attention, Dense][])('drop weights of the numerator of %s', (_, attention, dense) => {
    const source = (keep: number): DropoutSource => ({
      mask: (shape) => tf.fill([...shape], keep),
      dropout: (x) => tf.mul(x, keep),
      integers: () => tf.tensor1d([], 'int32'),
    });
    const [q, k, v] = inputs;
    const dropout = { source: source(2), rate: 0.5 };
    const twice = attention.parallel(q, k, v, factor(), { causal: true, dropout });
    expect(difference(twice, tf.mul(dense(q, k, v), 2))).toBeLessThan(1e-5);
  });

  it('as long as the text are softmax attention', () => {
    const window = softmaxWindowAttention({ window: T });
    const [q, k, v] = inputs;
    const expected = softmaxAttention().parallel(q, k, v, {}, { causal: true });
    expect(difference(window.parallel(q, k, v, {}, { causal: true }), expected)).toBeLessThan(1e-5);
  });

  it('refuse cross-attention, and a linear part without a feature map', () => {
    const [q, k, v] = inputs;
    expect(() => softmaxWindowAttention({ window: 5 }).parallel(q, k, v, {}, { causal: false })).toThrow(
      'softmax-window has no cross-attention',
    );
    const options = { window: 5, affine: false, form: 'auto', chunk: 16, epsilon: 1e-12, windowFactor: 0.1 } as const;
    expect(() => windowLinearAttention({ ...options, linear: softmaxAttention() })).toThrow(
      "window-linear needs the feature map of a linear attention, and 'softmax' has none",
    );
  });
});
