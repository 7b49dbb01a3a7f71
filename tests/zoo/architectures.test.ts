/** Every architecture against transformers: logits in all forms, greedy text, files back and forth, and with T2R. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attentionPlugin from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { createGenerator } from '@t2r/generation';
import { buildLanguageModel } from '@t2r/models';
import {
  exportModel,
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
import { decodingError, parallelLogits } from '../models/decoding.js';
import { BATCH, type GoldenModel, goldenModel } from './golden-models.js';

const registry = createRegistry([attentionPlugin]);

const MODELS = [
  'gpt2-tiny',
  'gpt-neox-tiny',
  'gpt-neox-sequential-tiny',
  'llama-tiny',
  'llama-wide-tiny',
  'llama-linear-tiny',
  'llama-dynamic-tiny',
  'mistral-tiny',
  'mistral-window-tiny',
  'qwen2-tiny',
  'opt-tiny',
  'opt-post-tiny',
];

const TOLERANCE = 1e-5;

/** Rows of a matrix as Meta's files have them: transformers' permutation, w.view(heads, 2, d / 2, in).transpose(1, 2). */
function metaRows({ shape: [count, width], data }: { shape: number[]; data: Float32Array }, heads: number) {
  const half = count! / heads / 2;
  const out = new Float32Array(data.length);
  for (let head = 0; head < heads; head++)
    for (let side = 0; side < 2; side++)
      for (let j = 0; j < half; j++) {
        const [from, to] = [(head * 2 + side) * half + j, (head * half + j) * 2 + side];
        out.set(data.subarray(from * width!, (from + 1) * width!), to * width!);
      }
  return out;
}

describe("LLaMA in Meta's own files", () => {
  it('is the model of transformers with the pairs of its rotary positions beside each other', async () => {
    const golden = await goldenModel('llama-tiny');
    const { tensors } = await readTensors(golden.path);
    const renamed = Object.entries(tensors).map(([key, { shape, data }]) => {
      const name = key
        .replace(/^model\./, '')
        .replace('embed_tokens', 'tok_embeddings')
        .replace('lm_head', 'output')
        .replace('input_layernorm', 'attention_norm')
        .replace('post_attention_layernorm', 'ffn_norm')
        .replace(/self_attn\.(.)_proj/, 'attention.w$1')
        .replace('mlp.gate_proj', 'feed_forward.w1')
        .replace('mlp.up_proj', 'feed_forward.w3')
        .replace('mlp.down_proj', 'feed_forward.w2');
      const tensor = { shape: [...shape], data: data as Float32Array };
      const heads = /wq/.test(name) ? 4 : /wk/.test(name) ? 2 : 0;
      return [name, heads > 0 ? { ...tensor, data: metaRows(tensor, heads) } : tensor] as const;
    });
    const stored = Object.fromEntries([...renamed, ['rope.freqs', { shape: [4], data: new Float32Array(4) }]]);
    const entries = new Map(Object.entries(stored).map(([name, { shape }]) => [name, { dtype: 'F32', shape }]));
    const read = async (name: string) => stored[name]!;
    const params = { dim: 32, n_layers: 3, n_heads: 4, n_kv_heads: 2, vocab_size: -1, norm_eps: 1e-6, multiple_of: 16 };
    const { config, tensors: ours } = await importModel(params, { path: 'consolidated.00.pth', entries, read });
    expect({ ...config, maxPositions: 64 }).toEqual(golden.config);
    expect(await readWeights(ours)).toEqual(golden.weights);
  });
});

describe.each(MODELS)('%s', (name) => {
  let engine: Engine;
  let golden: GoldenModel;
  let folder: string;
  beforeAll(async () => {
    engine = await openEngine('onnx');
    golden = await goldenModel(name);
    folder = await mkdtemp(join(tmpdir(), 't2r-zoo-'));
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true });
  });

  const withAttention = (spec?: ComponentSpec) => {
    const { config } = golden;
    return buildLanguageModel({ ...config, attention: config.attention.map((own) => spec ?? own) }, registry);
  };

  it("computes Python's logits in parallel, in steps and in padded pieces of a prompt", async () => {
    const { weights, ids, logits } = golden;
    const model = withAttention();
    const own = await parallelLogits(engine, model, weights, ids, BATCH);
    for (const [t, row] of own.entries()) expect(relativeMaximum(row, logits[t]!)).toBeLessThanOrEqual(TOLERANCE);
    for (const pieces of [new Array<number>(11).fill(1), [7, 1, 3]]) {
      const error = await decodingError(engine, model, weights, ids, logits, { batch: BATCH, pieces, padTo: 7 });
      expect(error).toBeLessThanOrEqual(TOLERANCE);
    }
  });

  it("continues greedily with Python's ids", async () => {
    const { weights, ids, greedy } = golden;
    const [time, length] = [ids.length / BATCH, greedy.length / BATCH];
    const generator = await createGenerator({ model: withAttention(), weights, engine, batch: BATCH });
    const rows = (of: Int32Array, width: number) =>
      Array.from({ length: BATCH }, (_, b) => [...of.subarray(b * width, (b + 1) * width)]);
    const texts = rows(ids, time);
    const ended = [false, false];
    let logits = await generator.prefill(ids);
    for (let t = time; t < length; t++) {
      const next = texts.map((_, b) => {
        const row = logits.subarray(b * 97, (b + 1) * 97);
        return ended[b] ? 0 : row.indexOf(Math.max(...row));
      });
      for (const [b, id] of next.entries()) {
        texts[b]!.push(id);
        if (id === 2) ended[b] = true;
      }
      if (t + 1 < length) logits = await generator.next(next);
    }
    expect(texts).toEqual(rows(greedy, length));
    await generator.dispose();
  });

  it('is saved and loaded without the change of a bit', async () => {
    const { config, weights } = golden;
    await saveCheckpoint(folder, { config: { format: 't2r-checkpoint', version: 1, model: config }, weights });
    const parameters = () => withAttention().parameters();
    const loaded = await loadCheckpoint(folder, { parameters });
    expect(loaded.config.model).toEqual(config);
    expect(loaded.weights).toEqual(weights);
  });

  it('is written as it was read', async () => {
    const { config, weights, theirs, path } = golden;
    const { config: written, tensors } = await exportModel(config, async (parameter) => weights[parameter]!.data, {
      base: theirs,
    });
    const stored = (await readTensors(path)).tensors;
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(stored).sort());
    const made: Record<string, { shape: readonly number[]; data: Float32Array }> = {};
    for (const [key, tensor] of Object.entries(tensors)) {
      made[key] = { shape: tensor.shape, data: await tensor.read() };
      expect(made[key], key).toEqual({ shape: stored[key]!.shape, data: stored[key]!.data });
    }
    const { torch_dtype: _, rope_theta, rope_scaling, rotary_pct, rotary_emb_base, ...newer } = written;
    expect(newer).toEqual(theirs);
    await writeSafetensors(join(folder, 'written.safetensors'), made, { format: 'pt' });
    const reader = await openTensors(join(folder, 'written.safetensors'));
    const again = await importModel(written, reader);
    expect(again.config).toEqual(config);
    expect(await readWeights(again.tensors)).toEqual(weights);
    await reader.close();
  });

  it.each([['inputs'], ['features']] as const)(
    'with T2R in all layers (rotating %s): parallel = recurrent = prompts',
    async (rotate) => {
      const model = withAttention({ use: 't2r-mlp', features: 6, rotate, chunk: 4 });
      // All weights that the swap keeps, and feature maps as far from 0 as they are.
      const own = buildLanguageModel(model.config, registry);
      const weights = Object.fromEntries(
        own.parameters().map(({ name: parameter, shape }) => {
          const size = shape.reduce((a, b) => a * b, 1);
          const drawn = () =>
            Float32Array.from({ length: size }, (_, i) => 0.4 * Math.sin(1.3 * i * i + parameter.length));
          return [parameter, golden.weights[parameter] ?? { shape, data: drawn() }];
        }),
      );
      const { ids } = golden;
      const reference = await parallelLogits(engine, model, weights, ids, BATCH);
      expect(relativeMaximum(reference[10]!, golden.logits[10]!)).toBeGreaterThan(1e-3);
      for (const pieces of [new Array<number>(11).fill(1), [7, 1, 3]]) {
        const error = await decodingError(engine, model, weights, ids, reference, { batch: BATCH, pieces, padTo: 7 });
        expect(error).toBeLessThanOrEqual(TOLERANCE);
      }
    },
  );
});
