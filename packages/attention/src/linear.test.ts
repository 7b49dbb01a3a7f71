import '@tensorflow/tfjs';
import type { DropoutSource } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Attention } from './contract.js';
import { type LinearForm, QUADRATIC_LIMIT } from './linear.js';
import { softmaxAttention } from './softmax.js';
import { t2rMlpAttention } from './t2r-mlp.js';

const [B, H, T, D, K] = [2, 2, 6, 4, 3];
const t2r = (form: LinearForm) =>
  t2rMlpAttention({ features: K, activation: 'relu', bias: true, epsilon: 1e-2, form, chunk: 2 });

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);
let q: tf.Tensor;
let k: tf.Tensor;
let v: tf.Tensor;
let parameters: Record<string, tf.Tensor>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  q = normal([B, H, T, D], 1);
  k = normal([B, H, T, D], 2);
  v = normal([B, H, T, D], 3);
  parameters = { 'phi.weight': normal([H, K, D], 4), 'phi.bias': normal([H, K], 5) };
});

const difference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).arraySync() as number;

/** The weights a_ts / max(sum_s a_ts, epsilon) of the paper, position by position, times `factor`, applied to v. */
function naive(factor: (b: number, h: number, t: number, s: number) => number): tf.Tensor {
  const [qs, ks, vs, w, bias] = [q, k, v, parameters['phi.weight']!, parameters['phi.bias']!].map((x) =>
    x.arraySync(),
  ) as [number[][][][], number[][][][], number[][][][], number[][][], number[][]];
  const phi = (x: number[], h: number, scale: number) =>
    w[h]!.map((row, f) => Math.max(0, bias[h]![f]! + scale * row.reduce((sum, wi, i) => sum + wi * x[i]!, 0)));
  const output = qs.map((heads, b) =>
    heads.map((rows, h) =>
      rows.map((query, t) => {
        const fq = phi(query, h, D ** -0.5);
        const weights = ks[b]![h]!.slice(0, t + 1).map((key) => {
          const fk = phi(key, h, 1);
          return fq.reduce((sum, x, i) => sum + x * fk[i]!, 0);
        });
        const total = Math.max(
          weights.reduce((a, c) => a + c, 0),
          1e-2,
        );
        return query.map((_, i) =>
          weights.reduce((sum, a, s) => sum + (factor(b, h, t, s) * a * vs[b]![h]![s]![i]!) / total, 0),
        );
      }),
    ),
  );
  return tf.tensor(output);
}

describe('t2r attention', () => {
  it.each(['quadratic', 'chunked'] as const)('%s form follows the formula', (form) => {
    expect(
      difference(
        t2r(form).parallel(q, k, v, parameters, { causal: true }),
        naive(() => 1),
      ),
    ).toBeLessThan(1e-5);
  });

  it('drops normalised weights, which then do not sum to one', () => {
    const keep = (b: number, h: number, t: number, s: number) => ((b + 2 * h + 3 * t + 5 * s) % 4 === 0 ? 0 : 2);
    const mask = tf.tensor(
      Array.from({ length: B }, (_, b) =>
        Array.from({ length: H }, (_, h) =>
          Array.from({ length: T }, (_, t) => Array.from({ length: T }, (_, s) => keep(b, h, t, s))),
        ),
      ),
    );
    const integers = () => tf.tensor1d([], 'int32');
    const source: DropoutSource = { mask: () => mask, dropout: (x) => tf.mul(x, mask), integers };
    const output = t2r('auto').parallel(q, k, v, parameters, { causal: true, dropout: { source, rate: 0.5 } });
    expect(difference(output, naive(keep))).toBeLessThan(1e-5);
  });

  it('takes the chunked form for long sequences', () => {
    const long = normal([1, H, QUADRATIC_LIMIT + 1, D], 7);
    const run = (form: LinearForm) => t2r(form).parallel(long, long, long, parameters, { causal: true });
    expect(difference(run('auto'), run('chunked'))).toBe(0);
  });
});

describe.each([
  ['t2r', t2r('auto')],
  ['softmax', softmaxAttention()],
] as [string, Attention][])('%s key mask', (_, attention) => {
  it.each([true, false])('ignores padded keys (causal: %s)', (causal) => {
    const keyMask = tf.tensor2d([1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0], [B, T]);
    const cut = (x: tf.Tensor) => tf.slice(x, [0, 0, 0, 0], [B, H, 4, D]);
    const whole = attention.parallel(q, k, v, parameters, { causal, keyMask });
    const short = attention.parallel(cut(q), cut(k), cut(v), parameters, { causal });
    expect(difference(cut(whole), short)).toBeLessThan(1e-6);
  });
});
