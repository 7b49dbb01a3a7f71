/** Variants in a language model: what they need of the layer besides q, k and v reaches them in every form. */
import { type Engine, openEngine } from '@t2r/engine';
import { createLanguageModel, initialWeights, type LmConfig } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodingError, parallelLogits, randomWeights } from '../models/decoding.js';
import { registry, VARIANTS } from './variants.js';

const [BATCH, LENGTH] = [2, 20];

const config: Omit<LmConfig, 'layers' | 'attention'> = {
  use: 'decoder-lm',
  vocab: 11,
  dim: 8,
  heads: 2,
  ffn: 12,
  activation: 'relu',
  norm: 'pre',
  positions: 'sinusoidal',
  maxPositions: LENGTH,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.02,
};

describe('a language model with every variant', () => {
  // A layer each, so that one model checks them all; rounding adds up over twenty layers.
  const attention = VARIANTS.map(([, spec]) => registry.create('attention', spec));
  const sizes = { ...config, layers: attention.length, attention: [] };
  const ids = Int32Array.from({ length: BATCH * LENGTH }, (_, i) => (i * 7 + Math.floor(i / 3)) % config.vocab);
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('onnx');
  });
  afterAll(() => engine.dispose());

  it('decodes in steps and padded pieces what it computes in parallel', async () => {
    const model = createLanguageModel(sizes, attention);
    const weights = randomWeights(model);
    const reference = await parallelLogits(engine, model, weights, ids, BATCH);
    const check = (pieces: number[]) =>
      decodingError(engine, model, weights, ids, reference, { batch: BATCH, pieces, padTo: 9 });
    expect(await check(new Array(LENGTH).fill(1))).toBeLessThanOrEqual(5e-5);
    expect(await check([9, 1, 5, 4, 1])).toBeLessThanOrEqual(5e-5);
  });

  it('trains with attention dropout: every parameter has a finite gradient, and steps can be repeated', async () => {
    const model = createLanguageModel({ ...sizes, attentionDropout: 0.2 }, attention);
    const names = model.parameters().map(({ name }) => name);
    const weights = initialWeights(model, 1);
    const tokens = { shape: [BATCH, LENGTH], dtype: 'int32' as const };
    const program = await engine.compile({
      name: 'loss',
      inputs: { ids: tokens },
      variables: engine.variables(weights),
      program: (inputs, values, dropout) => {
        const loss = (...xs: tf.Tensor[]) => {
          const parameters = Object.fromEntries(names.map((name, i) => [name, xs[i]!]));
          return model.loss(inputs.ids!, inputs.ids!, parameters, { dropout });
        };
        const { value, grads } = tf.valueAndGrads(loss)(names.map((name) => values[name]!));
        return { outputs: { value, ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])) } };
      },
    });
    const first = await program.run({ ids }, { step: 1 });
    for (const [name, data] of Object.entries(first)) expect(data.every(Number.isFinite), name).toBe(true);
    const own = names.filter((name) => /attention\.(phi|gate|sigma|window)/.test(name));
    for (const name of own)
      expect(
        first[name]!.some((x) => x !== 0),
        name,
      ).toBe(true);
    expect(await program.run({ ids }, { step: 1 })).toEqual(first);
    expect((await program.run({ ids }, { step: 2 })).value).not.toEqual(first.value);
    await program.dispose();
  });
});
