/** Language models of fairseq and CTranslate2 against PyTorch's modules (fixtures/goldens/{fairseq,ctranslate2}/make.py). */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import attentionPlugin from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { buildLanguageModel, type LmConfig, type Weights } from '@t2r/models';
import {
  architectureOf,
  exportTensors,
  importModel,
  type JsonObject,
  openTensors,
  readTensors,
  readWeights,
} from '@t2r/zoo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeMaximum } from '../attention/compare.js';
import { decodingError, parallelLogits } from '../models/decoding.js';

const GOLDENS = new URL('../fixtures/goldens/', import.meta.url);
const registry = createRegistry([attentionPlugin]);
const [BATCH, TIME, VOCAB] = [2, 11, 53];

/** Folder, and what of the configuration its options must have become. */
const MODELS: [string, Partial<LmConfig>][] = [
  [
    'fairseq/tied',
    { tieOutput: true, finalNorm: false, scaleEmbedding: true, positions: 'sinusoidal', positionOffset: 2 },
  ],
  ['fairseq/untied', { tieOutput: false, activation: 'gelu', positions: 'learned', maxPositions: 20 }],
  ['fairseq/weights-tied', { tieOutput: true, adaptive: expect.objectContaining({ tieProjections: false }) }],
  ['fairseq/shared', { tieOutput: true, embedDim: 16, scaleEmbedding: true }],
  ['fairseq/separate', { tieOutput: false, positions: 'none', scaleEmbedding: false }],
  ['ctranslate2', { positions: 'sinusoidal', sinusoids: 'vaswani', outputBias: true, activation: 'gelu' }],
];

/** log softmax of rows of scores; of log-probabilities it changes nothing. */
function logProbabilities(scores: Float32Array): Float64Array {
  const out = new Float64Array(scores.length);
  for (let row = 0; row < scores.length; row += VOCAB) {
    let sum = 0;
    for (let i = row; i < row + VOCAB; i++) sum += Math.exp(scores[i]!);
    for (let i = row; i < row + VOCAB; i++) out[i] = scores[i]! - Math.log(sum);
  }
  return out;
}

describe.each(MODELS)('%s', (name, expected) => {
  let engine: Engine;
  let theirs: JsonObject;
  let config: LmConfig;
  let weights: Weights;
  let ids: Int32Array;
  /** By time, [2 * vocab]. */
  let golden: Float32Array[];
  const at = (file: string) => fileURLToPath(new URL(`${name}/${file}`, GOLDENS));
  beforeAll(async () => {
    engine = await openEngine('onnx');
    theirs = name.startsWith('fairseq')
      ? JSON.parse(await readFile(at('config.json'), 'utf8'))
      : { spec: 'TransformerDecoderSpec', layer_norm_epsilon: null };
    const reader = await openTensors(at('model.safetensors'));
    const model = await importModel(theirs, reader);
    config = model.config;
    weights = await readWeights(model.tensors);
    await reader.close();
    const { tensors } = await readTensors(at('expected.safetensors'));
    ids = tensors.input_ids!.data as Int32Array;
    const logits = (tensors.logits ?? tensors.log_probabilities)!.data as Float32Array;
    golden = Array.from({ length: TIME }, (_, t) =>
      Float32Array.from({ length: BATCH * VOCAB }, (_, i) => {
        const row = Math.floor(i / VOCAB) * TIME + t;
        return logits[row * VOCAB + (i % VOCAB)]!;
      }),
    );
  });
  afterAll(() => engine.dispose());

  const build = (spec?: ComponentSpec) =>
    buildLanguageModel({ ...config, attention: config.attention.map((own) => spec ?? own) }, registry);

  it('has the configuration that its options say', () => {
    expect(config).toMatchObject(expected);
  });

  it("computes PyTorch's probabilities in parallel, and the same in steps and padded pieces", async () => {
    const model = build();
    const own = await parallelLogits(engine, model, weights, ids, BATCH);
    for (const [t, row] of own.entries())
      expect(relativeMaximum(logProbabilities(row), logProbabilities(golden[t]!))).toBeLessThanOrEqual(1e-5);
    for (const pieces of [new Array<number>(TIME).fill(1), [7, 1, 3]]) {
      const error = await decodingError(engine, model, weights, ids, own, { batch: BATCH, pieces, padTo: 7 });
      expect(error).toBeLessThanOrEqual(1e-5);
    }
  });

  it('has the same in all forms with T2R', async () => {
    const model = build({ use: 't2r-mlp', features: 6, chunk: 4 });
    const own = Object.fromEntries(
      model.parameters().map(({ name: parameter, shape }) => {
        const size = shape.reduce((a, b) => a * b, 1);
        const data = Float32Array.from({ length: size }, (_, i) => 0.4 * Math.sin(1.3 * i * i));
        return [parameter, weights[parameter] ?? { shape, data }];
      }),
    );
    const reference = await parallelLogits(engine, model, own, ids, BATCH);
    for (const pieces of [new Array<number>(TIME).fill(1), [7, 1, 3]]) {
      const error = await decodingError(engine, model, own, ids, reference, { batch: BATCH, pieces, padTo: 7 });
      expect(error).toBeLessThanOrEqual(1e-5);
    }
  });

  it('is given back its names without the change of a bit', async () => {
    const names = architectureOf(theirs).names(config);
    const read = async (parameter: string) => weights[parameter]!.data;
    const made = exportTensors(read, names, build().parameters(), config.layers);
    const stored = (await readTensors(at('model.safetensors'))).tensors;
    for (const [key, tensor] of Object.entries(made)) {
      expect(stored[key], key).toBeDefined();
      expect({ shape: tensor.shape, data: await tensor.read() }, key).toEqual({
        shape: stored[key]!.shape,
        data: stored[key]!.data,
      });
    }
    const left = Object.keys(stored).filter((key) => !(key in made));
    expect(
      left.every((key) => /version|_float_tensor|^decoder\/[a-z_]+$|encodings/.test(key)),
      left.join(),
    ).toBe(true);
  });
});
