import '@tensorflow/tfjs';
import attention, { softmaxAttention } from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parameterCount } from './cost.js';
import { buildTranslationModel, createTranslationModel } from './encoder-decoder.js';
import { buildModel, isTranslation, languageModel, translationModel } from './model-kinds.js';
import { attentionParameterNames } from './own-names.js';
import { initialWeights } from './parameters.js';
import { TINY, tinyModel } from './testing/tiny-model.js';
import { TINY_TRANSLATION, tinyTranslation } from './testing/tiny-translation.js';
import { encodingFlops, translatingFlops, translationTrainingFlops } from './translation-cost.js';
import { encoderDecoderSchema } from './translation-schema.js';
import type { TranslationConfig, TranslationModel } from './translation-types.js';

const registry = createRegistry([attention]);

/** Everything at once that may be at once. */
const RICH: Partial<TranslationConfig> = {
  positions: 'learned',
  positionOffset: 2,
  embeddingNorm: true,
  normKind: 'rms',
  gated: true,
  activation: 'gelu',
  shareEmbeddings: false,
  sourceVocab: 9,
  tieOutput: false,
  outputBias: true,
  initStd: 0.5,
};

const tensors = (model: TranslationModel) =>
  Object.fromEntries(
    Object.entries(initialWeights(model, 1)).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
  );
const source = tf.tensor2d([1, 2, 3, 4, 5, 0], [2, 3], 'int32');
const mask = tf.tensor2d([1, 1, 1, 1, 1, 0], [2, 3]);
const ids = tf.tensor2d([0, 1, 2, 0, 3, 4], [2, 3], 'int32');
const targets = tf.tensor2d([1, 2, 3, 3, 4, 0], [2, 3], 'int32');

function lossOf(
  model: TranslationModel,
  all: Record<string, tf.Tensor>,
  options: Parameters<TranslationModel['loss']>[4] = {},
): tf.Tensor {
  return model.loss(ids, targets, { memory: model.encode(source, mask, all), mask }, all, options);
}

describe('an encoder-decoder', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('has the parameters of two stacks, and one table where it is shared', () => {
    const shapes = (options: Partial<TranslationConfig>) =>
      Object.fromEntries(
        tinyTranslation(options)
          .parameters()
          .map(({ name, shape }) => [name, shape]),
      );
    const shared = shapes({});
    expect(shared).toMatchObject({
      'embed.weight': [7, 8],
      'encoder.layers.1.attention.q.weight': [8, 8],
      'encoder.layers.1.fc1.weight': [8, 12],
      'encoder.final_norm.weight': [8],
      'decoder.layers.0.attention.phi.weight': [4, 3, 2],
      'decoder.layers.0.cross.phi.weight': [4, 3, 2],
      'decoder.layers.1.cross_norm.bias': [8],
      'decoder.layers.1.fc2.weight': [10, 8],
    });
    for (const absent of [
      'encoder.embed.weight',
      'decoder.embed.weight',
      'decoder.output.weight',
      'encoder.output.weight',
    ])
      expect(shared).not.toHaveProperty([absent]);
    const rich = shapes(RICH);
    expect(rich).toMatchObject({
      'encoder.embed.weight': [9, 8],
      'encoder.positions.weight': [12, 8],
      'encoder.embed_norm.weight': [8],
      'decoder.embed.weight': [7, 8],
      'decoder.layers.0.gate.weight': [8, 10],
      'decoder.output.weight': [8, 7],
      'decoder.output.bias': [7],
    });
    expect(rich).not.toHaveProperty(['embed.weight']);
  });

  it('learns in all of them', () => {
    for (const options of [{ initStd: 0.5 }, RICH]) {
      const model = tinyTranslation(options);
      const parameters = tensors(model);
      const names = Object.keys(parameters);
      const loss = (...xs: tf.Tensor[]) =>
        lossOf(model, Object.fromEntries(names.map((name, i) => [name, xs[i]!]))) as tf.Scalar;
      const gradients = tf.grads(loss)(names.map((name) => parameters[name]!));
      for (const [i, gradient] of gradients.entries()) {
        const largest = tf.max(tf.abs(gradient)).arraySync() as number;
        // Softmax does not change with a bias of keys.
        if (!/encoder\.layers\.\d\.attention\.k\.bias|layers\.1\.(attention|cross)\.k\.bias/.test(names[i]!))
          expect(largest, names[i]).toBeGreaterThan(1e-6);
      }
    }
  });

  it('has the loss that its logits say: weights leave out padding, labels are smoothed', () => {
    const model = tinyTranslation({ initStd: 0.5 });
    const parameters = tensors(model);
    const encoded = { memory: model.encode(source, mask, parameters), mask };
    const logits = model.logits(model.hidden(ids, encoded, parameters), parameters); // [2,3,7]
    const logs = (tf.logSoftmax(logits).arraySync() as number[][][]).flat();
    const wanted = [1, 2, 3, 3, 4, 0].map((id, i) => -logs[i]![id]!);
    const each = model.negativeLogLikelihood(ids, targets, encoded, parameters);
    expect(each.shape).toEqual([2, 3]);
    for (const [i, value] of each.dataSync().entries()) expect(value).toBeCloseTo(wanted[i]!, 5);
    const mean = (values: number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(lossOf(model, parameters).arraySync()).toBeCloseTo(mean(wanted), 5);
    const weights = tf.tensor2d([1, 1, 1, 1, 1, 0], [2, 3]);
    expect(lossOf(model, parameters, { weights }).arraySync()).toBeCloseTo(mean(wanted.slice(0, 5)), 5);
    const smoothed = wanted.map((value, i) => 0.9 * value - 0.1 * mean(logs[i]!));
    const loss = lossOf(model, parameters, { weights, labelSmoothing: 0.1 }).arraySync();
    expect(loss).toBeCloseTo(mean(smoothed.slice(0, 5)), 5);
    // Targets and inputs at padding do not matter.
    const other = tf.tensor2d([0, 1, 2, 0, 3, 6], [2, 3], 'int32');
    const changed = model.loss(other, tf.tensor2d([1, 2, 3, 3, 4, 5], [2, 3], 'int32'), encoded, parameters, {
      weights,
    });
    expect(changed.arraySync()).toBeCloseTo(mean(wanted.slice(0, 5)), 5);
  });

  it('keeps a state of fixed size with T2R, and a cache and the source with softmax', () => {
    const model = tinyTranslation();
    expect(model.recurrent).toBe(false);
    expect(Object.fromEntries(model.state(3, 5).map(({ name, shape }) => [name, shape]))).toEqual({
      'decoder.layers.0.S': [3, 4, 3, 3],
      'decoder.layers.1.k': [3, 4, 5, 2],
      'decoder.layers.1.v': [3, 4, 5, 2],
    });
    expect(Object.fromEntries(model.crossStateSpecs(3, 6).map(({ name, shape }) => [name, shape]))).toEqual({
      'decoder.layers.0.cross.S': [3, 4, 3, 3],
      'decoder.layers.1.cross.k': [3, 4, 6, 2],
      'decoder.layers.1.cross.v': [3, 4, 6, 2],
      'decoder.layers.1.cross.mask': [3, 6],
    });
    expect(model.stateBytes(5, 6)).toBe(4 * (2 * (24 + 12) + 2 * 4 * 5 * 2 + 2 * 4 * 6 * 2 + 6));
    const specs = [
      { use: 't2r-mlp', features: 3 },
      { use: 't2r-mlp', features: 3 },
    ];
    const rnn = buildTranslationModel({ ...TINY_TRANSLATION, attention: specs, cross: specs }, registry);
    expect(rnn.recurrent).toBe(true);
    expect(rnn.stateBytes(1, 1)).toBe(rnn.stateBytes(1000, 2000));
    expect(rnn.config.cross[0]).toMatchObject({ use: 't2r-mlp', features: 3, epsilon: 0.01 });
  });

  it('costs what its weights, states and pairs of source tokens cost', () => {
    const model = tinyTranslation();
    const [attend, encoderFfn, decoderFfn, phi] = [4 * 64, 2 * 8 * 12, 2 * 8 * 10, 4 * 3 * 2];
    const [S, z] = [4 * 3 * 2, 4 * 3];
    const source1 = 2 * (attend + encoderFfn) + 2 * 2 * 64 + phi; // and k, v of two layers, one feature map
    expect(encodingFlops(model, 10)).toBe(10 * 2 * source1 + 4 * 2 * 8 * 100 + 10 * 2 * (S + z));
    const target = 2 * (attend + decoderFfn + 2 * 64) + 2 * phi + 7 * 8;
    const step = (position: number, length: number) =>
      2 * target + 4 * (S + z) + 2 * 2 * position * 8 + 2 * (S + z + 2 * length * 8 + length);
    expect(translatingFlops(model, 5, 10)).toBe(step(5, 10));
    expect(translationTrainingFlops(model, 10, 12)).toBe(3 * (encodingFlops(model, 10) + 12 * step(6, 10)));
    expect(translatingFlops(tinyTranslation({ tieOutput: false }), 5, 10)).toBe(step(5, 10));
  });

  it("has as many parameters as the paper's large transformer", () => {
    const stack = { layers: 6, heads: 16, ffn: 4096 };
    const softmax = Array.from({ length: 6 }, () => ({ use: 'softmax' }));
    const big: TranslationConfig = { ...TINY_TRANSLATION, vocab: 37_000, dim: 1024, encoder: stack, decoder: stack };
    const plain = buildTranslationModel({ ...big, norm: 'post', attention: softmax, cross: softmax }, registry);
    // 213 million in Vaswani et al. 2017, table 3, with about 37,000 tokens.
    expect(parameterCount(plain) / 1e6).toBeCloseTo(214.2, 0);
    const t2r = (features: number) => softmax.map(() => ({ use: 't2r-mlp', features }));
    const converted = buildTranslationModel({ ...big, norm: 'post', attention: t2r(4), cross: t2r(32) }, registry);
    expect(parameterCount(converted) - parameterCount(plain)).toBe(6 * (16 * 4 * 65 + 16 * 32 * 65));
    expect(attentionParameterNames(converted, 5, ['cross'])).toEqual([
      'decoder.layers.5.cross.phi.weight',
      'decoder.layers.5.cross.phi.bias',
    ]);
  });

  it('is refused where its parts do not fit', () => {
    expect(() => tinyTranslation({ decoder: { layers: 2, heads: 3, ffn: 8 } })).toThrow(/3 heads do not divide/);
    expect(() => tinyTranslation({ sourceVocab: 9 })).toThrow(/a source of 9 tokens and a target of 7 share no table/);
    const one = [softmaxAttention()];
    const three = { ...TINY_TRANSLATION, attention: [{ use: 'softmax' }], cross: [{ use: 'softmax' }] };
    expect(() => createTranslationModel(three, one, one)).toThrow(/attention: 1 given for a decoder of 2 layers/);
    const gated = registry.create('attention', { use: 'random-feature', gate: 'recency' });
    const two = [softmaxAttention(), softmaxAttention()];
    expect(() => createTranslationModel(TINY_TRANSLATION, two, [gated, gated])).toThrow(
      /cross: random-feature with these options has no cross-attention/,
    );
    const problem = (options: object) => {
      const stack = { layers: 2, heads: 4, ffn: 8 };
      return encoderDecoderSchema.safeParse({ dim: 8, encoder: stack, decoder: stack, ...options }).error?.issues[0];
    };
    expect(problem({})).toBeUndefined();
    expect(problem({ encoder: { layers: 1, heads: 3, ffn: 8 } })).toMatchObject({ path: ['encoder', 'heads'] });
    expect(problem({ cross: [{ use: 'softmax' }] })).toMatchObject({ path: ['cross'] });
    expect(problem({ initScale: 8 })).toMatchObject({ path: ['initScale'], message: 'goes with init: fairseq' });
    expect(problem({ positions: 'rotary' })).toMatchObject({ path: ['positions'] });
  });
});

describe('kinds of models', () => {
  it('are told apart by the use of a configuration', () => {
    const lm = buildModel(TINY, registry);
    const translation = buildModel(TINY_TRANSLATION, registry);
    expect([isTranslation(lm), isTranslation(translation)]).toEqual([false, true]);
    expect(languageModel(lm)).toBe(lm);
    expect(() => translationModel(tinyModel())).toThrow(
      /is a decoder-only language model, and an encoder-decoder for translation is needed here/,
    );
    expect(() => languageModel(translation)).toThrow(/is an encoder-decoder for translation/);
  });
});
