/** Encoder-decoder models in all forms: parallel = step by step = prefixes, with padding, fused weights and reordered rows. */
import { createRandom } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import {
  buildTranslationModel,
  createTranslationModel,
  type TranslationConfig,
  type TranslationModel,
  type Weights,
} from '@t2r/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeMaximum } from '../attention/compare.js';
import { registry } from '../attention/variants.js';
import { randomWeights } from './decoding.js';
import { padded, parallelLogits, type Sources, translate } from './translating.js';

const VOCAB = 13;
const TIME = 10;
const TOLERANCE = 1e-5;

const base: TranslationConfig = {
  use: 'encoder-decoder',
  vocab: VOCAB,
  dim: 16,
  encoder: { layers: 2, heads: 4, ffn: 20 },
  decoder: { layers: 2, heads: 2, ffn: 24 },
  activation: 'relu',
  norm: 'post',
  positions: 'sinusoidal',
  maxPositions: 12,
  shareEmbeddings: true,
  tieOutput: true,
  scaleEmbedding: true,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.02,
  attention: [],
  cross: [],
};

const VARIANTS = {
  softmax: { use: 'softmax' },
  t2r: { use: 't2r-mlp', features: 4, chunk: 4 },
  elu: { use: 'elu', chunk: 4 },
  rfa: { use: 'random-feature', features: 8, chunk: 4 },
  favor: { use: 'favor', features: 6, chunk: 4 },
  hedgehog: { use: 'hedgehog', chunk: 4 },
};
type Variant = keyof typeof VARIANTS;
const names = Object.keys(VARIANTS) as Variant[];

function build(self: Variant[], cross: Variant[], options: Partial<TranslationConfig> = {}): TranslationModel {
  const specs = (variants: Variant[]) => variants.map((name) => VARIANTS[name]);
  return buildTranslationModel({ ...base, ...options, attention: specs(self), cross: specs(cross) }, registry);
}

const ids = (label: string, count: number, vocab = VOCAB) => {
  const random = createRandom('translation test', label);
  return Array.from({ length: count }, () => Math.floor(random.uniform() * vocab));
};

/** Three sentences of different lengths, and their targets [3, TIME]. */
const LENGTHS = [9, 5, 1];
const sentences = LENGTHS.map((length, i) => ids(`source ${i}`, length));
const batch = padded(sentences, 9, 1);
const targets = Int32Array.from(ids('target', LENGTHS.length * TIME));
const column = (from: Int32Array, start: number, count: number) =>
  Int32Array.from(
    { length: LENGTHS.length * count },
    (_, i) => from[Math.floor(i / count) * TIME + start + (i % count)]!,
  );
const row = (logits: Float32Array, b: number, rows = LENGTHS.length) =>
  logits.subarray((b * logits.length) / rows, ((b + 1) * logits.length) / rows);

/** Largest error of decoding in pieces (1 is a step) against the reference. */
async function decodingError(
  engine: Engine,
  model: TranslationModel,
  weights: Weights,
  reference: Float32Array[],
  pieces: number[],
): Promise<number> {
  const decoder = await translate(engine, model, weights, batch, { capacity: TIME + 7, padTo: 7 });
  let worst = 0;
  let position = 0;
  for (const piece of pieces) {
    const tokens = column(targets, position, piece);
    const logits = piece === 1 ? await decoder.step(tokens) : await decoder.prefill(tokens, piece);
    position += piece;
    const error = relativeMaximum(logits, reference[position - 1]!);
    if (!(error <= worst)) worst = error;
  }
  await decoder.dispose();
  return worst;
}

async function checkForms(engine: Engine, model: TranslationModel): Promise<void> {
  const weights = randomWeights(model);
  const reference = await parallelLogits(engine, model, weights, batch, targets);
  expect(reference.some((logits) => logits.some((value) => Math.abs(value) > 0.1))).toBe(true);
  for (const pieces of [new Array<number>(TIME).fill(1), [7, 1, 2], [3, 7]])
    expect(await decodingError(engine, model, weights, reference, pieces)).toBeLessThanOrEqual(TOLERANCE);
  // A sentence on its own, without padding, and with targets that end earlier.
  for (const [b, sentence] of sentences.entries()) {
    const alone: Sources = padded([sentence], sentence.length, 1);
    const own = targets.subarray(b * TIME, b * TIME + 6);
    const logits = await parallelLogits(engine, model, weights, alone, own);
    for (const [t, at] of logits.entries())
      expect(relativeMaximum(at, row(reference[t]!, b))).toBeLessThanOrEqual(TOLERANCE);
  }
}

const CONFIGURATIONS: [string, Partial<TranslationConfig>][] = [
  [
    'pre-norm, learned positions from 2 on, norms on embeddings, a bias on the output, exact GELU',
    { norm: 'pre', positions: 'learned', positionOffset: 2, embeddingNorm: true, outputBias: true, activation: 'gelu' },
  ],
  [
    'separate vocabularies and an output of its own',
    { shareEmbeddings: false, sourceVocab: 17, tieOutput: false, norm: 'pre', finalNorm: false, scaleEmbedding: false },
  ],
  [
    'sinusoids of Marian, swish, tables apart',
    { shareEmbeddings: false, sinusoids: 'marian', activation: 'silu', positionOffset: 2 },
  ],
  [
    'gates, RMS norms, no biases, no positions',
    {
      gated: true,
      normKind: 'rms',
      normEpsilon: 1e-3,
      norm: 'pre',
      positions: 'none',
      biases: { qkv: false, out: false, ffn: false },
    },
  ],
];

describe.each(['cpu', 'onnx'] as const)('translation on engine %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.dispose());

  const pairs = names
    .flatMap((self) => names.map((cross): [Variant, Variant] => [self, cross]))
    .filter(([self, cross]) => name === 'onnx' || self === cross);
  it.each(pairs)('self %s, cross %s: steps and prefixes = parallel, padded and alone', (self, cross) =>
    checkForms(engine, build([self, self], [cross, cross])),
  );

  it.each(CONFIGURATIONS)('%s', (_, options) =>
    checkForms(engine, build(['t2r', 'softmax'], ['softmax', 't2r'], options)),
  );

  it('is the same without folding feature maps into projections', async () => {
    const model = build(['t2r', 'hedgehog'], ['hedgehog', 't2r']);
    const weights = randomWeights(model);
    const unfused = createTranslationModel(
      model.config,
      model.attention.map((variant) => ({ ...variant, fuse: undefined })),
      model.cross.map((variant) => ({ ...variant, fuse: undefined })),
    );
    const maps = (all: object) => Object.keys(all).filter((key) => key.includes('phi'));
    const values = Object.fromEntries(Object.entries(weights).map(([key, { data }]) => [key, data]));
    expect(maps(model.stepWeights(values))).toEqual([]);
    expect(maps(unfused.stepWeights(values))).toEqual(maps(weights));
    const reference = await parallelLogits(engine, model, weights, batch, targets);
    expect(await decodingError(engine, unfused, weights, reference, [1, 1, 7, 1])).toBeLessThanOrEqual(TOLERANCE);
  });

  it('goes on with rows in another order', async () => {
    const model = build(['t2r', 'softmax'], ['softmax', 't2r']);
    const weights = randomWeights(model);
    const reference = await parallelLogits(engine, model, weights, batch, targets);
    const decoder = await translate(engine, model, weights, batch, { capacity: TIME, padTo: 4 });
    await decoder.prefill(column(targets, 0, 4), 4);
    const order = [2, 0, 2];
    decoder.reorder(order);
    for (let t = 4; t < TIME; t++) {
      const tokens = column(targets, t, 1);
      const logits = await decoder.step(Int32Array.from(order, (from) => tokens[from]!));
      for (const [b, from] of order.entries())
        expect(relativeMaximum(row(logits, b), row(reference[t]!, from))).toBeLessThanOrEqual(TOLERANCE);
    }
    await decoder.dispose();
  });
});
