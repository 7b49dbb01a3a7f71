import '@tensorflow/tfjs';
import { softmaxAttention } from '@t2r/attention';
import type { DropoutSource } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLanguageModel } from './decoder-lm.js';
import { initialWeights } from './parameters.js';
import { TINY, tinyModel } from './testing/tiny-model.js';
import type { LanguageModel } from './types.js';

const ids = [1, 2, 3, 4, 5, 6];
const targets = [2, 3, 4, 5, 6, 0];
const batch = (values: number[]) => tf.tensor2d(values, [2, 3], 'int32');

function tensors(model: LanguageModel) {
  const weights = initialWeights(model, 1);
  return Object.fromEntries(Object.entries(weights).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));
}

/** -log p of the model's logits, one row a position, by the definition. */
function negativeLogs(model: LanguageModel, parameters: Record<string, tf.Tensor>): number[][] {
  const logits = model.logits(model.hidden(batch(ids), parameters), parameters).arraySync() as number[][][];
  return logits.flat().map((row) => {
    const total = row.reduce((sum, x) => sum + Math.exp(x), 0);
    return row.map((x) => Math.log(total) - x);
  });
}

describe.each([
  ['tied', { initStd: 0.5 }],
  ['untied', { initStd: 0.5, tieOutput: false }],
])('loss with %s output', (_, options) => {
  let model: LanguageModel;
  let parameters: Record<string, tf.Tensor>;
  let nll: number[][];
  beforeAll(async () => {
    await tf.setBackend('cpu');
    model = tinyModel(options);
    parameters = tensors(model);
    nll = negativeLogs(model, parameters);
  });

  it('is the mean over targets', () => {
    const loss = model.loss(batch(ids), batch(targets), parameters).arraySync();
    expect(loss).toBeCloseTo(targets.reduce((sum, target, i) => sum + nll[i]![target]!, 0) / 6, 5);
  });

  it('smooths labels and weighs positions', () => {
    const weights = tf.tensor2d([1, 0, 2, 0, 0, 1], [2, 3]);
    const options = { labelSmoothing: 0.1, weights };
    const loss = model.loss(batch(ids), batch(targets), parameters, options).arraySync();
    const smooth = (i: number) => 0.9 * nll[i]![targets[i]!]! + (0.1 / 7) * nll[i]!.reduce((a, b) => a + b, 0);
    expect(loss).toBeCloseTo((smooth(0) + 2 * smooth(2) + smooth(5)) / 4, 5);
  });

  it('comes apart into negative log-likelihoods', () => {
    const rows = model.negativeLogLikelihood(batch(ids), batch(targets), parameters).arraySync() as number[][];
    rows.flat().forEach((value, i) => {
      expect(value).toBeCloseTo(nll[i]![targets[i]!]!, 5);
    });
  });
});

describe('decoder-only language model', () => {
  it('drops at embeddings, attention weights, activations and after each block', () => {
    const rates: number[] = [];
    const source: DropoutSource = {
      dropout: (x, rate) => {
        rates.push(rate);
        return x;
      },
      mask: (shape, rate) => {
        rates.push(rate);
        return tf.ones([...shape]);
      },
      integers: () => tf.tensor1d([], 'int32'),
    };
    const model = tinyModel({ dropout: 0.1, attentionDropout: 0.2, activationDropout: 0.3 });
    const parameters = tensors(model);
    model.hidden(batch(ids), parameters);
    expect(rates).toEqual([]);
    model.hidden(batch(ids), parameters, { dropout: source });
    expect(rates).toEqual([0.1, 0.2, 0.1, 0.3, 0.1, 0.2, 0.1, 0.3, 0.1]);
  });

  it('says when a sequence is longer than its learned positions', () => {
    const model = tinyModel();
    const long = tf.zeros([1, 11], 'int32');
    expect(() => model.hidden(long, tensors(model))).toThrow(
      /11 tokens is longer than the model's 10 learned positions/,
    );
  });

  it('refuses heads and layers that do not fit', () => {
    const attention = [softmaxAttention(), softmaxAttention()];
    expect(() => createLanguageModel({ ...TINY, heads: 3 }, attention)).toThrow(/3 heads do not divide/);
    expect(() => createLanguageModel({ ...TINY, layers: 3 }, attention)).toThrow(/2 given for 3 layers/);
  });

  it('packs one matrix a layer for decoding, the feature map folded in and ones beside values', () => {
    const model = tinyModel();
    const weights = initialWeights(model, 1);
    const packed = model.stepWeights(Object.fromEntries(Object.entries(weights).map(([n, { data }]) => [n, data])));
    expect(packed['layers.0.attention.qkv.weight']!.shape).toEqual([8, 2 * 2 * 3 + 2 * 5]);
    const { data } = packed['layers.0.attention.qkv.weight']!;
    for (let row = 0; row < 8; row++)
      for (const head of [0, 1]) {
        const values = data.subarray(row * 22 + 12 + head * 5, row * 22 + 12 + (head + 1) * 5);
        const own = weights['layers.0.attention.v.weight']!.data.subarray(row * 8 + head * 4, row * 8 + (head + 1) * 4);
        expect([...values]).toEqual([...own, 0]);
      }
    expect(packed['layers.1.attention.qkv.weight']!.shape).toEqual([8, 3 * 8]);
    expect(Object.keys(packed).filter((name) => /\.(q|k|v)\.|phi/.test(name))).toEqual([]);
    expect(packed['embed.weight']!.data).toBe(weights['embed.weight']!.data);
  });
});
