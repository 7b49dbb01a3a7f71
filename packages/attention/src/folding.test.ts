/** Feature maps folded into the projections: the same values and gradients as projection and map one after the other. */
import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Attention, ParallelOptions, QueryKeyProjections } from './contract.js';
import { eluAttention, eluSchema } from './elu.js';
import { hedgehogAttention, hedgehogSchema } from './hedgehog.js';
import { softmaxAttention } from './softmax.js';
import { type T2rMlpOptions, t2rMlpAttention } from './t2r-mlp.js';

const [B, T, S, DIM, D] = [2, 5, 6, 10, 4];

const t2r = (options: Partial<T2rMlpOptions> = {}) =>
  t2rMlpAttention({
    features: 3,
    activation: 'relu',
    bias: true,
    epsilon: 1e-2,
    form: 'auto',
    chunk: 2,
    ...options,
  });

interface Case {
  attention: Attention;
  heads?: number;
  kvHeads?: number;
  /** Whether projections have biases. Default true. */
  biases?: boolean;
  call?: Partial<ParallelOptions>;
}

const normal = (shape: number[], seed: number) => tf.randomNormal(shape, 0, 1, 'float32', seed);

/** x [B,t,DIM] @ weight + bias -> [B,heads,t,width] */
function project(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor | undefined, heads: number): tf.Tensor {
  const [batch, time] = x.shape as [number, number];
  const rows = tf.matMul(tf.reshape(x, [batch * time, DIM]), weight as tf.Tensor2D);
  const sums = tf.reshape(bias ? tf.add(rows, bias) : rows, [batch, time, heads, -1]);
  return tf.transpose(sums, [0, 2, 1, 3]);
}

/** Output and gradients of its weighted sum with respect to projections and the attention's parameters, folded or not. */
function outcome({ attention, heads = 2, kvHeads = heads, biases = true, call }: Case, folded: boolean): tf.Tensor[] {
  const causal = call?.causal ?? true;
  const x = normal([B, T, DIM], 1);
  const other = causal ? x : normal([B, S, DIM], 2);
  const v = normal([B, kvHeads, causal ? T : S, D], 3);
  const options = { causal, input: x, ...call };
  const weighing = normal([B, heads, T, D], 4);
  const own = attention.parameters({ heads, headDim: D, kvHeads, modelDim: DIM });
  const inputs = [
    normal([DIM, heads * D], 5),
    normal([DIM, kvHeads * D], 6),
    ...(biases ? [normal([heads * D], 7), normal([kvHeads * D], 8)] : []),
    ...own.map(({ shape }, i) => normal(shape, 10 + i)),
  ];
  const run = (...given: tf.Tensor[]) => {
    const [queryWeight, keyWeight] = given as [tf.Tensor, tf.Tensor];
    const [queryBias, keyBias] = biases ? given.slice(2) : [];
    const parameters = Object.fromEntries(own.map(({ name }, i) => [name, given[(biases ? 4 : 2) + i]!]));
    const plain: QueryKeyProjections = { queryWeight, queryBias, keyWeight, keyBias };
    const used = folded ? attention.folding!.fold(plain, parameters) : plain;
    const q = project(x, used.queryWeight, used.queryBias, heads);
    const k = project(other, used.keyWeight, used.keyBias, kvHeads);
    return (folded ? attention.folding! : attention).parallel(q, k, v, parameters, options);
  };
  const gradients = tf.grads((...given) => tf.sum(tf.mul(run(...given), weighing)))(inputs);
  return [run(...inputs), ...gradients];
}

const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).arraySync() as number;

describe('a folded feature map', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each([
    ['t2r-mlp', { attention: t2r() }],
    ['in the quadratic form', { attention: t2r({ form: 'quadratic' }) }],
    ['in chunks', { attention: t2r({ form: 'chunked' }) }],
    ['with more features than a head is wide', { attention: t2r({ features: 7 }) }],
    ['with a map each for queries and keys', { attention: t2r({ shared: false, scale: 'both' }) }],
    ['without biases', { attention: t2r({ bias: false }), biases: false }],
    ['with a bias of its own alone', { attention: t2r(), biases: false }],
    ['with biases of the projections alone', { attention: t2r({ bias: false, activation: 'tanh' }) }],
    ['with a gate', { attention: t2r({ gate: 'recency' }) }],
    ['with grouped queries', { attention: t2r(), heads: 6, kvHeads: 2 }],
    ['hedgehog', { attention: hedgehogAttention(hedgehogSchema.parse({ features: 6 })) }],
    [
      'in cross-attention with padding',
      { attention: t2r(), call: { causal: false, keyMask: tf.tensor2d([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0], [B, S]) } },
    ],
  ] as [string, Case][])('%s: the same output and gradients', (_, given) => {
    const [folded, plain] = [outcome(given, true), outcome(given, false)];
    expect(largest(plain[0]!)).toBeGreaterThan(0.1);
    plain.forEach((value, i) => {
      expect(largest(tf.sub(folded[i]!, value)) / Math.max(1, largest(value))).toBeLessThan(2e-5);
    });
  });

  it('is there where the map is affine up to its activation', () => {
    expect(t2r().folding?.width(D)).toBe(3);
    expect(eluAttention(eluSchema.parse({})).folding).toBeUndefined();
    expect(softmaxAttention().folding).toBeUndefined();
  });
});
