import { type Attention, softmaxAttention, t2rMlpAttention } from '@t2r/attention';
import { type Engine, openEngine } from '@t2r/engine';
import { createLanguageModel, type LmConfig } from '@t2r/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodingError, parallelLogits, randomWeights } from './decoding.js';

const LENGTH = 20;
const BATCH = 2;

const base: LmConfig = {
  use: 'decoder-lm',
  vocab: 11,
  layers: 2,
  dim: 16,
  heads: 2,
  ffn: 24,
  activation: 'relu',
  norm: 'pre',
  positions: 'learned',
  maxPositions: LENGTH,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.02,
  attention: [],
};

const variants: Record<string, Attention> = {
  t2r: t2rMlpAttention({ features: 4, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 8 }),
  softmax: softmaxAttention(),
};

const cases: [string, string[], Partial<LmConfig>][] = [
  ['t2r, pre-norm, learned positions', ['t2r', 't2r'], {}],
  [
    't2r, post-norm, sinusoidal positions, gelu',
    ['t2r', 't2r'],
    { norm: 'post', positions: 'sinusoidal', activation: 'gelu' },
  ],
  [
    'softmax, pre-norm, sinusoidal positions, untied',
    ['softmax', 'softmax'],
    { positions: 'sinusoidal', tieOutput: false },
  ],
  [
    'softmax, post-norm, no positions, scaled',
    ['softmax', 'softmax'],
    { norm: 'post', positions: 'none', scaleEmbedding: true },
  ],
  ['mixed layers', ['t2r', 'softmax'], {}],
  [
    'grouped heads wider than dim / heads, rotary pairs in turns, gated, RMS norms, biases here and there',
    ['t2r', 'softmax'],
    {
      heads: 4,
      kvHeads: 2,
      headDim: 6,
      positions: 'rotary',
      rotary: {
        base: 100,
        fraction: 0.7,
        pairs: 'interleaved',
        scaling: { type: 'dynamic', factor: 2, maxPositions: 9 },
      },
      gated: true,
      activation: 'silu',
      normKind: 'rms',
      normEpsilon: 1e-3,
      biases: { qkv: false, ffn: false },
      outputBias: true,
    },
  ],
  [
    't2r of one head of keys without biases, parallel residuals, learned positions from 3 on',
    ['t2r', 't2r'],
    {
      kvHeads: 1,
      biases: { qkv: false, out: false },
      parallelResidual: true,
      activation: 'gelu-new',
      positionOffset: 3,
      outputBias: true,
      tieOutput: false,
    },
  ],
  [
    'a narrow token table, post-norm, sinusoids in turns from 2 on',
    ['softmax', 't2r'],
    {
      norm: 'post',
      embedDim: 6,
      positions: 'sinusoidal',
      sinusoids: 'vaswani',
      positionOffset: 2,
      scaleEmbedding: true,
    },
  ],
  [
    'sinusoids of Marian, a norm on embeddings, gated GELU',
    ['t2r', 't2r'],
    { positions: 'sinusoidal', sinusoids: 'marian', embeddingNorm: true, gated: true },
  ],
];

describe.each(['cpu', 'onnx'] as const)('decoding on engine %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.dispose());

  it.each(cases)('%s: steps and padded prefill = parallel forward', async (_, attention, options) => {
    const model = createLanguageModel(
      { ...base, ...options },
      attention.map((variant) => variants[variant]!),
    );
    const weights = randomWeights(model);
    const ids = Int32Array.from({ length: BATCH * LENGTH }, (_, i) => (i * 7 + Math.floor(i / 3)) % base.vocab);
    const reference = await parallelLogits(engine, model, weights, ids, BATCH);
    const check = (pieces: number[]) =>
      decodingError(engine, model, weights, ids, reference, { batch: BATCH, pieces, padTo: 9 });
    expect(await check(new Array(LENGTH).fill(1))).toBeLessThanOrEqual(1e-5);
    expect(await check([9, 1, 5, 4, 1])).toBeLessThanOrEqual(1e-5);
  });
});
