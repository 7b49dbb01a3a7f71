/** Variants in a language model: what they need of the layer besides q, k and v reaches them in every form. */
import { openEngine } from '@t2r/engine';
import { createLanguageModel, type LmConfig } from '@t2r/models';
import { describe, expect, it } from 'vitest';
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
  it('decodes in steps and padded pieces what it computes in parallel', async () => {
    const engine = await openEngine('onnx');
    // A layer each, so that one model checks them all; rounding adds up over twenty layers.
    const attention = VARIANTS.map(([, spec]) => registry.create('attention', spec));
    const model = createLanguageModel({ ...config, layers: attention.length, attention: [] }, attention);
    const weights = randomWeights(model);
    const ids = Int32Array.from({ length: BATCH * LENGTH }, (_, i) => (i * 7 + Math.floor(i / 3)) % config.vocab);
    const reference = await parallelLogits(engine, model, weights, ids, BATCH);
    const check = (pieces: number[]) =>
      decodingError(engine, model, weights, ids, reference, { batch: BATCH, pieces, padTo: 9 });
    expect(await check(new Array(LENGTH).fill(1))).toBeLessThanOrEqual(5e-5);
    expect(await check([9, 1, 5, 4, 1])).toBeLessThanOrEqual(5e-5);
    await engine.dispose();
  });
});
