/** Translation models of other projects against transformers and PyTorch (fixtures/goldens/translation/make.py). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attentionPlugin from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { buildTranslationModel, initialWeights, type TranslationConfig } from '@t2r/models';
import {
  architectureOf,
  exportModel,
  exportTensors,
  importModel,
  loadCheckpoint,
  openTensors,
  readTensors,
  readWeights,
  saveCheckpoint,
  writeSafetensors,
} from '@t2r/zoo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeMaximum } from '../attention/compare.js';
import { parallelLogits, translate } from '../models/translating.js';
import { BATCH, type GoldenTranslation, goldenTranslation, TIME, VOCAB } from './golden-translation.js';

const registry = createRegistry([attentionPlugin]);
const TOLERANCE = 1e-5;

/** Folder, and what of the configuration its options must have become. */
const MODELS: [string, Partial<TranslationConfig>][] = [
  [
    'marian-tiny',
    { norm: 'post', sinusoids: 'marian', activation: 'silu', shareEmbeddings: true, scaleEmbedding: true },
  ],
  ['marian-separate-tiny', { shareEmbeddings: false, sourceVocab: 83, tieOutput: false, outputBias: true }],
  ['bart-tiny', { positions: 'learned', positionOffset: 2, embeddingNorm: true, activation: 'gelu', maxPositions: 24 }],
  [
    'fairseq-shared',
    { norm: 'post', shareEmbeddings: true, tieOutput: true, positions: 'sinusoidal', positionOffset: 2 },
  ],
  ['fairseq-tied', { shareEmbeddings: false, sourceVocab: 83, tieOutput: true }],
  ['fairseq-pre', { norm: 'pre', positions: 'learned', embeddingNorm: true, tieOutput: false, scaleEmbedding: false }],
];

const rows = (of: Int32Array, width: number) =>
  Array.from({ length: BATCH }, (_, b) => [...of.subarray(b * width, (b + 1) * width)]);

describe.each(MODELS)('%s', (name, expected) => {
  let engine: Engine;
  let golden: GoldenTranslation;
  let folder: string;
  beforeAll(async () => {
    engine = await openEngine('onnx');
    golden = await goldenTranslation(name);
    folder = await mkdtemp(join(tmpdir(), 't2r-zoo-'));
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true });
  });
  const model = () => buildTranslationModel(golden.config, registry);

  it("has the configuration's options, and computes Python's logits in parallel, in steps and as a prefix", async () => {
    const { config, weights, sources, ids, logits } = golden;
    expect(config).toMatchObject({
      dim: 32,
      encoder: { layers: 3 },
      decoder: { layers: 2 },
      ...size(name),
      ...expected,
    });
    const parallel = await parallelLogits(engine, model(), weights, sources, ids);
    for (const [t, row] of parallel.entries()) expect(relativeMaximum(row, logits[t]!)).toBeLessThanOrEqual(TOLERANCE);
    const decoder = await translate(engine, model(), weights, sources, { capacity: 24, padTo: 4 });
    const column = (from: number, count: number) =>
      Int32Array.from({ length: BATCH * count }, (_, i) => ids[Math.floor(i / count) * TIME + from + (i % count)]!);
    const prefix = await decoder.prefill(column(0, 3), 3);
    expect(relativeMaximum(prefix, logits[2]!)).toBeLessThanOrEqual(TOLERANCE);
    for (let t = 3; t < TIME; t++)
      expect(relativeMaximum(await decoder.step(column(t, 1)), logits[t]!)).toBeLessThanOrEqual(TOLERANCE);
    await decoder.dispose();
  });

  it("translates greedily with Python's ids", async () => {
    const { config, weights, sources, greedy } = golden;
    if (greedy === undefined) return expect(name).toMatch(/^fairseq/);
    const { start, end, padding } = config.tokens!;
    const length = greedy.length / BATCH;
    const decoder = await translate(engine, model(), weights, sources, { capacity: length, padTo: 1 });
    const texts = [[start], [start]];
    for (let t = 1; t < length; t++) {
      const logits = await decoder.step(Int32Array.from(texts, (text) => text.at(-1)!));
      for (const [b, text] of texts.entries()) {
        const row = logits.subarray(b * VOCAB, (b + 1) * VOCAB);
        // The last token is forced to be the end.
        const next = t + 1 === length ? end : row.indexOf(Math.max(...row));
        text.push(text.slice(1).includes(end) ? padding : next);
      }
    }
    expect(texts).toEqual(rows(greedy, length));
    await decoder.dispose();
  });

  it('is saved and loaded without the change of a bit', async () => {
    const { config, weights } = golden;
    await saveCheckpoint(folder, { config: { format: 't2r-checkpoint', version: 1, model: config }, weights });
    const parameters = () => model().parameters();
    const loaded = await loadCheckpoint(folder, { use: 'encoder-decoder', parameters });
    expect(loaded.config.model).toEqual(config);
    expect(loaded.weights).toEqual(weights);
    await expect(loadCheckpoint(folder)).rejects.toThrow(
      /is an encoder-decoder for translation, and a decoder-only language model is needed here/,
    );
  });

  it('is written as it was read', async () => {
    const { config, weights, theirs, path } = golden;
    const stored = (await readTensors(path)).tensors;
    const read = async (parameter: string) => weights[parameter]!.data;
    if (name.startsWith('fairseq')) {
      const parameters = model().parameters();
      const reader = await openTensors(path);
      const map = architectureOf(theirs).names(config, reader);
      await reader.close();
      const tensors = exportTensors(read, map, parameters, 3);
      for (const [key, { shape, data }] of Object.entries(stored)) {
        if (map.ignored!.includes(key)) continue;
        expect(tensors[key]!.shape, key).toEqual(shape);
        expect(await tensors[key]!.read(), key).toEqual(data);
      }
      return;
    }
    const { config: written, tensors } = await exportModel(config, read, { base: theirs });
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(stored).sort());
    const made: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
    for (const [key, tensor] of Object.entries(tensors)) {
      made[key] = { shape: tensor.shape, data: await tensor.read() };
      expect(made[key], key).toEqual({ shape: stored[key]!.shape, data: stored[key]!.data });
    }
    const { torch_dtype: _, ...newer } = written;
    expect(newer).toEqual(theirs);
    await writeSafetensors(join(folder, 'written.safetensors'), made, { format: 'pt' });
    const reader = await openTensors(join(folder, 'written.safetensors'));
    const again = await importModel(written, reader, 'encoder-decoder');
    expect(again.config).toEqual(config);
    expect(await readWeights(again.tensors)).toEqual(weights);
    await reader.close();
  });

  it('with T2R in self- and cross-attention: steps = parallel', async () => {
    const { config, weights, sources, ids, logits } = golden;
    const t2r = (features: number) => [0, 1].map(() => ({ use: 't2r-mlp', features }));
    const converted = buildTranslationModel({ ...config, attention: t2r(4), cross: t2r(8) }, registry);
    const all = { ...initialWeights(converted, 1), ...weights };
    const parallel = await parallelLogits(engine, converted, all, sources, ids);
    expect(relativeMaximum(parallel[5]!, logits[5]!)).toBeGreaterThan(1e-3);
    const decoder = await translate(engine, converted, all, sources, { capacity: 1, padTo: 1 });
    for (let t = 0; t < TIME; t++) {
      const row = await decoder.step(Int32Array.from([0, 1], (b) => ids[b * TIME + t]!));
      expect(relativeMaximum(row, parallel[t]!)).toBeLessThanOrEqual(TOLERANCE);
    }
    await decoder.dispose();
    await expect(
      exportModel(converted.config, async () => new Float32Array(), { architecture: 'marian' }),
    ).rejects.toThrow(/layer 0 has attention t2r-mlp/);
  });
});

/** marian-tiny alone has other sizes. */
const size = (name: string): Partial<TranslationConfig> =>
  name === 'marian-tiny' ? { encoder: { layers: 2, heads: 4, ffn: 48 } } : {};
