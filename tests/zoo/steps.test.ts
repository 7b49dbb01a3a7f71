/** zoo/load and zoo/save as recipes use them: models of transformers in, checkpoints, converted ones, and folders for others out. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { createGenerator } from '@t2r/generation';
import { buildLanguageModel } from '@t2r/models';
import { loadCheckpoint, readTensors } from '@t2r/zoo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelLogits } from '../models/decoding.js';
import { temporaryFolder } from '../recipes/run-cli.js';
import { BATCH, goldenModel } from './golden-models.js';
import { registry, runSteps } from './run-steps.js';

const GOLDENS = fileURLToPath(new URL('../fixtures/goldens/models/', import.meta.url));
const MODELS = ['gpt2-tiny', 'gpt-neox-tiny', 'llama-tiny', 'mistral-window-tiny', 'qwen2-tiny', 'opt-tiny'];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx');
});
afterAll(() => engine.dispose());

const loaded = (artifact: Artifact) =>
  loadCheckpoint(artifact.folder, { parameters: (config) => buildLanguageModel(config, registry).parameters() });

/** Where a saved model lies. */
const savedIn = ({ folder }: Artifact) => join(folder, 'model');
const json = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));

describe.each(MODELS)('%s', (name) => {
  it("is loaded with Python's logits and greedy ids, and saved as transformers wrote it", async () => {
    const folder = temporaryFolder();
    const golden = await goldenModel(name);
    const { problems, artifacts } = await runSteps(
      folder,
      `load: { use: zoo/load, from: ${JSON.stringify(join(GOLDENS, name))} }
save: { use: zoo/save, from: load, licence: mit }
again: { use: zoo/save, from: load, to: own }`,
    );
    expect(problems).toEqual([]);
    const { config, weights } = await loaded(artifacts.load!);
    expect(config.model).toEqual(golden.config);
    const model = buildLanguageModel(config.model, registry);
    const logits = await parallelLogits(engine, model, weights, golden.ids, BATCH);
    for (const [t, row] of logits.entries())
      for (const [i, value] of row.entries()) expect(Math.abs(value - golden.logits[t]![i]!)).toBeLessThanOrEqual(1e-4);
    const time = golden.ids.length / BATCH;
    const length = golden.greedy.length / BATCH;
    const generator = await createGenerator({ model, weights, engine });
    const greedy: number[] = [];
    const options = { temperature: 0, maxTokens: length - time, stopTokens: [2] };
    for await (const { id } of generator.generate(golden.ids.subarray(0, time), options)) greedy.push(id);
    const expected = [...golden.greedy.subarray(time, length)];
    const end = expected.indexOf(2);
    expect(greedy).toEqual(end < 0 ? expected : expected.slice(0, end));
    await generator.dispose();

    const saved = savedIn(artifacts.save!);
    const theirs = (await readTensors(golden.path)).tensors;
    expect((await readTensors(saved)).tensors).toEqual(theirs);
    const {
      torch_dtype: _,
      rope_theta: __,
      rope_scaling: ___,
      rotary_pct: ____,
      rotary_emb_base: _____,
      ...rest
    } = json(saved, 'config.json');
    expect(rest).toEqual(golden.theirs);
    const card = readFileSync(join(saved, 'README.md'), 'utf8');
    expect(card).toContain('license: "mit"');
    expect(card).toMatch(/`model.safetensors`: SHA-256 `[0-9a-f]{64}`/);

    // Both folders are loaded again to the same bits.
    for (const step of ['save', 'again']) {
      const other = temporaryFolder();
      const from = JSON.stringify(savedIn(artifacts[step]!));
      const back = await runSteps(other, `load: { use: zoo/load, from: ${from} }`);
      expect((await loaded(back.artifacts.load!)).weights).toEqual(weights);
    }
    const keep = process.env.T2R_SAVED;
    if (keep !== undefined) {
      mkdirSync(keep, { recursive: true });
      cpSync(saved, join(keep, name), { recursive: true });
    }
  });
});

describe('a model whose table is longer than its vocabulary', () => {
  it('is converted, trained and measured with its own tokenizer, and its card has the figures', async () => {
    const folder = temporaryFolder();
    const from = join(folder, 'model');
    cpSync(join(GOLDENS, 'gpt2-tiny'), from, { recursive: true });
    const words = Array.from({ length: 60 }, (_, i) => `w${i}`);
    writeFileSync(join(from, 'vocabulary.json'), JSON.stringify(['<unk>', '</s>', ...words]));
    writeFileSync(join(folder, 'text.txt'), `${words.join(' ')}\n`.repeat(3));
    const { problems, summary, artifacts } = await runSteps(
      folder,
      `corpus: { use: dataset/text, train: text.txt, test: text.txt }
load: { use: zoo/load, from: model }
tokens: { use: dataset/tokens, from: corpus, tokenizer: load, documents: lines, start: endOfText, separator: endOfText }
swap: { use: convert/swap, from: load, attention: { use: t2r-mlp, features: 4 } }
train:
  { use: train/lm, from: swap, data: tokens, steps: 2, batch: 2, block: 16, optimizer: { use: adamw }, schedule: { use: constant, peak: 0.001 } }
perplexity: { use: evaluate/perplexity, of: [load, train], data: tokens, splits: [test], window: 32, documents: separate }
save: { use: zoo/save, from: train, evaluations: [perplexity] }`,
    );
    expect([problems, summary?.error]).toEqual([[], undefined]);
    const card = readFileSync(join(savedIn(artifacts.save!), 'README.md'), 'utf8');
    expect(card).toMatch(/By the step `train` \(`train\/lm`\)/);
    expect(card).toMatch(/\| train\.test \| \d+/);
    expect(card).not.toContain('load.test');
    expect(card).toMatch(/- `ppl\|unit:word\|vocab:62\|window:32\|.*\|documents:3`/);
    expect(card).toMatch(/`model.safetensors`: SHA-256/);
  });
});

describe('a converted model', () => {
  it('is saved in its own format, says so in its card, and is loaded again to the same bits', async () => {
    const folder = temporaryFolder();
    const { artifacts } = await runSteps(
      folder,
      `load: { use: zoo/load, from: ${JSON.stringify(join(GOLDENS, 'gpt2-tiny'))} }
swap: { use: convert/swap, from: load, attention: { use: t2r-mlp, features: 6 }, layers: [0, 2] }
save: { use: zoo/save, from: swap, name: tiny, shardBytes: 40000 }`,
    );
    const saved = savedIn(artifacts.save!);
    expect(json(saved, 'config.json')).toMatchObject({ architectures: ['T2RForCausalLM'], model_type: 't2r' });
    expect(existsSync(join(saved, 'model.safetensors.index.json'))).toBe(true);
    const card = readFileSync(join(saved, 'README.md'), 'utf8');
    expect(card).toContain('# tiny');
    expect(card).toContain('| 0 | t2r-mlp (features 6) |\n| 1 | softmax |\n| 2 | t2r-mlp (features 6) |');
    expect(card).toContain('loaded from `gpt2-tiny`');
    const back = await runSteps(temporaryFolder(), `load: { use: zoo/load, from: ${JSON.stringify(saved)} }`);
    const [before, after] = [await loaded(artifacts.swap!), await loaded(back.artifacts.load!)];
    expect(after.weights).toEqual(before.weights);
    expect(after.config.model).toEqual(before.config.model);
    expect(after.config.origin).toEqual(before.config.origin);
  });

  it('cannot be saved for transformers', async () => {
    const { summary } = await runSteps(
      temporaryFolder(),
      `load: { use: zoo/load, from: ${JSON.stringify(join(GOLDENS, 'gpt2-tiny'))} }
swap: { use: convert/swap, from: load, attention: { use: t2r-mlp, features: 6 } }
save: { use: zoo/save, from: swap, to: transformers }`,
    ).then((run) => ({ ...run, summary: run.problems }));
    expect(summary.join('\n')).toMatch(/layer 0 has attention t2r-mlp.*to: own/s);
  });
});

describe('a model of our own', () => {
  const steps = (
    model: string,
    to = 'auto',
  ) => `corpus: { use: dataset/synthetic, train: 3000, valid: 1000, test: 1000 }
tokenizer: { use: tokenizer/train, from: corpus, algorithm: bpe, vocab: 300, specialTokens: ["<|endoftext|>"] }
init: { use: model/init, model: { use: decoder-lm, layers: 1, dim: 16, heads: 2, ffn: 64, ${model} }, tokenizer: tokenizer }
save: { use: zoo/save, from: init, to: ${to} }`;

  it('is saved for transformers where that has a class for it', async () => {
    const { artifacts } = await runSteps(temporaryFolder(), steps('positions: learned, activation: gelu-new'));
    const saved = savedIn(artifacts.save!);
    const { vocab_size: vocab, ...config } = json(saved, 'config.json');
    expect([vocab, config]).toMatchObject([300, { model_type: 'gpt2', bos_token_id: 0, eos_token_id: 0 }]);
    expect(json(saved, 'tokenizer_config.json')).toMatchObject({ eos_token: '<|endoftext|>' });
    expect(existsSync(join(saved, 'tokenizer.json'))).toBe(true);
  });

  it('is saved in its own format where it has sinusoidal positions', async () => {
    const { artifacts } = await runSteps(temporaryFolder(), steps('positions: sinusoidal'));
    expect(json(savedIn(artifacts.save!), 'config.json')).toMatchObject({ model_type: 't2r' });
    const { problems } = await runSteps(temporaryFolder(), steps('positions: sinusoidal', 'transformers'));
    expect(problems.join('\n')).toMatch(/to: transformers: no class of transformers .* positions: sinusoidal/);
  });
});
