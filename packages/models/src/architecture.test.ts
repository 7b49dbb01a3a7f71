import '@tensorflow/tfjs';
import { t2rMlpAttention } from '@t2r/attention';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLanguageModel } from './decoder-lm.js';
import { initialWeights } from './parameters.js';
import { decoderLmSchema } from './schema.js';
import { TINY, tinyModel } from './testing/tiny-model.js';
import type { LanguageModel, LmConfig } from './types.js';

const values = (model: LanguageModel) =>
  Object.fromEntries(Object.entries(initialWeights(model, 1)).map(([name, { data }]) => [name, data]));
const tensors = (weights: Record<string, { shape: number[]; data: Float32Array }>) =>
  Object.fromEntries(Object.entries(weights).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));

/** Everything at once that may be at once. */
const RICH: Partial<LmConfig> = {
  heads: 4,
  kvHeads: 2,
  headDim: 3,
  normKind: 'rms',
  parallelResidual: true,
  gated: true,
  activation: 'silu',
  biases: { out: false },
  outputBias: true,
  embedDim: 5,
  positions: 'rotary',
  initStd: 0.5,
};

describe('parts of an architecture', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('have parameters of these shapes', () => {
    const shapes = Object.fromEntries(
      tinyModel(RICH)
        .parameters()
        .map(({ name, shape }) => [name, shape]),
    );
    expect(shapes).toMatchObject({
      'embed.weight': [7, 5],
      'embed.projection.weight': [5, 8],
      'layers.0.attention.q.weight': [8, 12],
      'layers.0.attention.k.weight': [8, 6],
      'layers.0.attention.v.bias': [6],
      'layers.0.attention.out.weight': [12, 8],
      'layers.0.attention.phi.weight': [2, 3, 3],
      'layers.0.gate.weight': [8, 12],
      'layers.1.gate.bias': [12],
      'final_norm.weight': [8],
      'output.projection.weight': [8, 5],
      'output.bias': [7],
    });
    expect(shapes).not.toHaveProperty('layers.0.attention.out.bias');
    expect(shapes).not.toHaveProperty('layers.0.norm1.bias');
    expect(shapes).not.toHaveProperty('output.weight');
    expect(Object.keys(tinyModel({ positionOffset: 2 }).parameters())).toHaveLength(
      Object.keys(tinyModel().parameters()).length,
    );
    const positions = tinyModel({ positionOffset: 2 })
      .parameters()
      .find(({ name }) => name === 'positions.weight');
    expect(positions!.shape).toEqual([12, 8]);
  });

  it('all learn', () => {
    const model = tinyModel(RICH);
    const parameters = tensors(initialWeights(model, 1));
    const names = Object.keys(parameters);
    const ids = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3], 'int32');
    const loss = (...xs: tf.Tensor[]) =>
      model.loss(ids, ids, Object.fromEntries(names.map((name, i) => [name, xs[i]!]))) as tf.Scalar;
    const gradients = tf.grads(loss)(names.map((name) => parameters[name]!));
    for (const [i, gradient] of gradients.entries())
      expect(tf.max(tf.abs(gradient)).arraySync(), names[i]).toBeGreaterThan(0);
  });

  it('of the output: a loss is what the logits say', () => {
    const model = tinyModel(RICH);
    const parameters = tensors(initialWeights(model, 1));
    parameters['output.bias'] = tf.tensor1d([1, -1, 0, 2, 0, 0.5, -2]);
    const ids = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3], 'int32');
    const logs = tf.logSoftmax(model.logits(model.hidden(ids, parameters), parameters)).arraySync() as number[][][];
    const wanted = [1, 2, 3, 4, 5, 6].map((id, i) => -logs.flat()[i]![id]!);
    const mean = wanted.reduce((sum, x) => sum + x, 0) / 6;
    expect(model.loss(ids, ids, parameters).arraySync()).toBeCloseTo(mean, 5);
    const each = model.negativeLogLikelihood(ids, ids, parameters).dataSync();
    wanted.forEach((value, i) => {
      expect(each[i]).toBeCloseTo(value, 5);
    });
  });

  it('fold feature maps into projections where no rotation stands between', () => {
    const names = (rotate: 'inputs' | 'features', options: Partial<LmConfig>) => {
      const t2r = { features: 3, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 4 } as const;
      const config = { ...TINY, layers: 1, ...options };
      const model = createLanguageModel(config, [t2rMlpAttention({ ...t2r, rotate })]);
      return model.stepWeights(values(model));
    };
    const rotary = { positions: 'rotary', kvHeads: 1 } as const;
    const apart = names('inputs', rotary);
    expect(apart['layers.0.attention.phi.weight']!.shape).toEqual([1, 3, 4]);
    expect(apart['layers.0.attention.qkv.weight']!.shape).toEqual([8, 8 + 4 + 4]);
    const folded = names('features', rotary);
    expect(folded).not.toHaveProperty('layers.0.attention.phi.weight');
    expect(folded['layers.0.attention.qkv.weight']!.shape).toEqual([8, 2 * 3 + 3 + 4]);
    // The biases of the feature map, and ones beside the values of each head.
    const bare = names('inputs', { biases: { qkv: false } });
    expect([...bare['layers.0.attention.qkv.bias']!.data.subarray(12)]).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    expect(bare['layers.0.attention.qkv.bias']!.data.subarray(0, 12).some((x) => x !== 0)).toBe(true);
  });

  it('that do not fit are refused', () => {
    expect(() => tinyModel({ heads: 3 })).toThrow(/3 heads do not divide a model of dim 8/);
    expect(() => tinyModel({ heads: 3, headDim: 4 })).not.toThrow();
    expect(() => tinyModel({ heads: 4, kvHeads: 3 })).toThrow(/3 heads of keys do not divide 4 heads of queries/);
    expect(() => tinyModel({ norm: 'post', parallelResidual: true })).toThrow(/parallelResidual/);
    const adaptive = { cutoffs: [3], factor: 2, tieProjections: true, dropout: 0 };
    expect(() => tinyModel({ adaptive, embedDim: 4 })).toThrow(/embedDim has no meaning beside adaptive/);
    const sizes = { layers: 1, dim: 8, heads: 4, ffn: 8 };
    const problem = (options: object) => decoderLmSchema.safeParse({ ...sizes, ...options }).error?.issues[0];
    expect(problem({ kvHeads: 3 })).toMatchObject({ path: ['kvHeads'], message: 'must divide heads' });
    expect(problem({ rotary: {} })).toMatchObject({ path: ['rotary'], message: 'goes with positions: rotary' });
    expect(problem({ positions: 'rotary', rotary: { scaling: { type: 'yarn' } } })).toMatchObject({
      path: ['rotary', 'scaling', 'type'],
    });
  });

  it('left out leave a configuration as it was', () => {
    const parsed = decoderLmSchema.parse({ layers: 1, dim: 8, heads: 4, ffn: 8 });
    expect(Object.keys(parsed).sort()).toEqual(
      [
        ...['activation', 'activationDropout', 'attention', 'attentionDropout', 'dim', 'dropout', 'ffn', 'heads'],
        ...['initStd', 'layers', 'maxPositions', 'norm', 'positions', 'scaleEmbedding', 'tieOutput'],
      ].sort(),
    );
  });
});
