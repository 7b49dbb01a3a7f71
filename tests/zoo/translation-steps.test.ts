/** zoo/load, zoo/save and t2r inspect with translation models of other projects, and what they are refused for. */
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Artifact } from '@t2r/core';
import { type Engine, openEngine } from '@t2r/engine';
import { checkpointTranslator } from '@t2r/generation';
import { buildTranslationModel, initialWeights, type TranslationConfig } from '@t2r/models';
import { exportModel, loadCheckpoint, readTensors, writeSafetensorsFolder } from '@t2r/zoo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parallelLogits } from '../models/translating.js';
import { runCli, temporaryFolder } from '../recipes/run-cli.js';
import { goldenTranslation } from './golden-translation.js';
import { registry, runSteps } from './run-steps.js';

const GOLDENS = fileURLToPath(new URL('../fixtures/goldens/translation/', import.meta.url));
const MODELS = [
  ['marian-tiny', 'MarianMTModel'],
  ['marian-separate-tiny', 'MarianMTModel'],
  ['bart-tiny', 'BartForConditionalGeneration'],
] as const;
const at = (name: string) => join(GOLDENS, name);
const quoted = (name: string) => JSON.stringify(at(name));

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('onnx');
});
afterAll(() => engine.dispose());

const loaded = ({ folder }: Artifact) =>
  loadCheckpoint(folder, {
    use: 'encoder-decoder',
    parameters: (config) => buildTranslationModel(config, registry).parameters(),
  });

const savedIn = ({ folder }: Artifact) => join(folder, 'model');
const json = (folder: string, file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'));
const card = (artifact: Artifact) => readFileSync(join(savedIn(artifact), 'README.md'), 'utf8');

describe.each(MODELS)('%s', (name, transformers) => {
  it("is loaded with Python's logits, saved as transformers wrote it, and loaded again without the change of a bit", async () => {
    const golden = await goldenTranslation(name);
    const folder = temporaryFolder();
    const { problems, summary, artifacts } = await runSteps(
      folder,
      `load: { use: zoo/load, from: ${quoted(name)} }
save: { use: zoo/save, from: load, licence: mit }
own: { use: zoo/save, from: load, to: own }`,
    );
    expect([problems, summary?.error]).toEqual([[], undefined]);
    const first = await loaded(artifacts.load!);
    expect(first.config.model).toEqual(golden.config);
    const model = buildTranslationModel(first.config.model, registry);
    const logits = await parallelLogits(engine, model, first.weights, golden.sources, golden.ids);
    for (const [t, row] of logits.entries())
      for (const [i, value] of row.entries()) expect(Math.abs(value - golden.logits[t]![i]!)).toBeLessThanOrEqual(1e-4);

    const saved = savedIn(artifacts.save!);
    const { torch_dtype: _, ...written } = json(saved, 'config.json');
    expect(written).toEqual(golden.theirs);
    expect(json(saved, 'generation_config.json')).toEqual(json(at(name), 'generation_config.json'));
    const [theirs, ours] = await Promise.all(
      [golden.path, join(saved, 'model.safetensors')].map(async (path) => (await readTensors(path)).tensors),
    );
    for (const [key, { shape, data }] of Object.entries(theirs!))
      expect(ours![key], key).toMatchObject({ shape, data });
    const text = card(artifacts.save!);
    expect(text).toMatch(/^pipeline_tag: translation$/m);
    const { layers, heads } = golden.config.encoder;
    expect(text).toContain(`| encoder: layers, width, heads | ${layers}, 32, ${heads} |`);
    expect(text).toContain(
      '| layers | self-attention | cross-attention |\n| --- | --- | --- |\n| 0 to 1 | softmax | softmax |',
    );
    expect(text).toContain(`model = ${transformers}.from_pretrained(`);
    expect(json(savedIn(artifacts.own!), 'config.json').architectures).toEqual(['T2RForConditionalGeneration']);

    const again = await runSteps(
      temporaryFolder(),
      `written: { use: zoo/load, from: ${JSON.stringify(saved)} }
own: { use: zoo/load, from: ${JSON.stringify(savedIn(artifacts.own!))} }`,
    );
    expect([again.problems, again.summary?.error]).toEqual([[], undefined]);
    for (const id of ['written', 'own']) {
      const { config, weights } = await loaded(again.artifacts[id]!);
      expect(config.model).toEqual(first.config.model);
      expect(weights).toEqual(first.weights);
    }
  });
});

describe.each(['fairseq-shared', 'fairseq-tied', 'fairseq-pre'])('%s', (name) => {
  it("is loaded with PyTorch's logits, and saved in this project's format", async () => {
    const golden = await goldenTranslation(name);
    const { problems, summary, artifacts } = await runSteps(
      temporaryFolder(),
      `load: { use: zoo/load, from: ${quoted(name)} }\nsave: { use: zoo/save, from: load }`,
    );
    expect([problems, summary?.error]).toEqual([[], undefined]);
    const { config, weights } = await loaded(artifacts.load!);
    expect(config.origin).toMatchObject({ architecture: 'transformer' });
    const model = buildTranslationModel(config.model, registry);
    const logits = await parallelLogits(engine, model, weights, golden.sources, golden.ids);
    for (const [t, row] of logits.entries())
      for (const [i, value] of row.entries()) expect(Math.abs(value - golden.logits[t]![i]!)).toBeLessThanOrEqual(1e-4);
    expect(artifacts.save!.data).toMatchObject({ format: 'own' });
    const { tokens } = config.model;
    expect(json(savedIn(artifacts.save!), 'generation_config.json')).toEqual({
      decoder_start_token_id: tokens!.start,
      eos_token_id: tokens!.end,
      pad_token_id: tokens!.padding,
    });
  });
});

describe('a model of Marian', () => {
  it('is converted after loading, and saved with the attention of each layer in its card', async () => {
    const swap =
      'swap: { use: convert/swap, from: load, attention: { use: t2r-mlp, features: 4 }, cross: { use: t2r-mlp, features: 32 }, layers: [1] }';
    const load = `load: { use: zoo/load, from: ${quoted('marian-tiny')} }`;
    const { problems, summary, artifacts } = await runSteps(
      temporaryFolder(),
      `${load}\n${swap}\nsave: { use: zoo/save, from: swap }`,
    );
    expect([problems, summary?.error]).toEqual([[], undefined]);
    const [before, after] = [await loaded(artifacts.load!), await loaded(artifacts.swap!)];
    for (const [key, tensor] of Object.entries(before.weights)) expect(after.weights[key], key).toEqual(tensor);
    expect(after.config.model.cross.map(({ use }) => use)).toEqual(['softmax', 't2r-mlp']);
    expect(after.config.origin).toEqual(before.config.origin);
    expect(artifacts.save!.data).toMatchObject({ format: 'own', architecture: 'T2RForConditionalGeneration' });
    const text = card(artifacts.save!);
    expect(text).toMatch(/\| layers \| self-attention \| cross-attention \|/);
    expect(text).toMatch(/\| 1 \| t2r-mlp \(features 4\) \| t2r-mlp \(features 32\) \|/);
    expect(text).toMatch(/translates as a recurrent network[\s\S]*npx t2r translate path\/to\/folder/);
    const again = await runSteps(
      temporaryFolder(),
      `again: { use: zoo/load, from: ${JSON.stringify(savedIn(artifacts.save!))} }`,
    );
    expect((await loaded(again.artifacts.again!)).weights).toEqual(after.weights);

    const refused = await runSteps(
      temporaryFolder(),
      `${load}\n${swap}\nsave: { use: zoo/save, from: swap, to: transformers }`,
    );
    expect(refused.problems.join('\n')).toMatch(/to: transformers: layer 1 has attention t2r-mlp/);
  });

  it('is no language model: train/lm says so before anything runs', async () => {
    const { problems } = await runSteps(
      temporaryFolder(),
      `corpus: { use: dataset/synthetic, train: 20000, valid: 1000, test: 1000 }
tokenizer: { use: tokenizer/train, from: corpus, algorithm: bpe, vocab: 300 }
tokens: { use: dataset/tokens, from: corpus, tokenizer: tokenizer }
load: { use: zoo/load, from: ${quoted('marian-tiny')} }
train: { use: train/lm, from: load, data: tokens, batch: 2, block: 16, steps: 1, optimizer: { use: adamw }, schedule: { use: constant, peak: 1.0e-2 } }`,
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /the model of step load is an encoder-decoder for translation, and a decoder-only language model is needed here/,
    );
  });

  it('is inspected: both stacks, and what T2R in self- and cross-attention would bring', async () => {
    const { code, out } = await runCli(['inspect', at('marian-tiny'), '--json']);
    expect(code).toBe(0);
    // Two layers of the decoder, 4 heads of width 8: a map [8, k] with a bias each, k = 4 and k = 32.
    const maps = (k: number) => 2 * 4 * (8 * k + k);
    const state = (k: number) => 4 * 2 * 4 * k * 9;
    expect(JSON.parse(out)).toMatchObject({
      architecture: 'marian',
      model: { use: 'encoder-decoder', encoder: { layers: 2 } },
      conversion: {
        features: 4,
        layers: 2,
        cross: { features: 32, layers: 2 },
        parameters: maps(4) + maps(32),
        stateBytes: state(4) + state(32),
        // Keys and values of width 32 of both, and the mask of the source in every layer.
        cacheBytes: 4 * 2 * 1024 * (2 * 32 + 2 * 32 + 1),
      },
    });
    const other = JSON.parse((await runCli(['inspect', at('marian-tiny'), '--json', '--features', '8'])).out);
    expect(other.conversion).toMatchObject({ features: 8, cross: { features: 8 }, parameters: 2 * maps(8) });
    const text = (await runCli(['inspect', at('marian-separate-tiny')])).out;
    expect(text).toMatch(/an encoder-decoder model for translation/);
    expect(text).toMatch(
      /encoder +3 layers of width 32, 4 heads, feed-forward 40\n *decoder +2 layers of width 32, 2 heads/,
    );
    expect(text).toMatch(/vocabulary +97, of sources 83/);
    expect(text).toMatch(/4 features in self-attention of 2 layers and 32 in cross-attention of 2: /);
  });
});

describe('tokenizers that are named', () => {
  const from = quoted('fairseq-tied');
  /** A dictionary as fairseq's, of as many entries with its four special symbols. */
  function dictionary(folder: string, name: string, entries: number): string {
    const path = join(folder, name);
    writeFileSync(path, Array.from({ length: entries - 4 }, (_, i) => `w${i} 1\n`).join(''));
    return JSON.stringify(path);
  }

  it('are kept for either side, and encode parallel text', async () => {
    const folder = temporaryFolder();
    const text = (name: string, line: string) => {
      writeFileSync(join(folder, name), `${line}\n`.repeat(3));
      return name;
    };
    const { problems, summary, artifacts } = await runSteps(
      folder,
      `source: { use: tokenizer/load, path: ${dictionary(folder, 'dict.en.txt', 83)} }
target: { use: tokenizer/load, path: ${dictionary(folder, 'dict.de.txt', 97)} }
load: { use: zoo/load, from: ${from}, tokenizer: target, sourceTokenizer: source }
text: { use: dataset/bitext, source: en, target: de, root: ${JSON.stringify(folder)}, train: { source: ${text('a.en', 'w0 w78 w79')}, target: ${text('a.de', 'w1 w79 w92')} } }
pairs: { use: dataset/pairs, from: text, tokenizer: load }`,
    );
    expect([problems, summary?.error]).toEqual([[], undefined]);
    expect(artifacts.load!.data).toMatchObject({ vocab: 97, sourceVocab: 83 });
    expect(artifacts.pairs!.data).toMatchObject({ source: { vocab: 83 }, target: { vocab: 97 } });
    const translator = await checkpointTranslator(artifacts.load!.folder, { engine, context: registry });
    // w79 has no entry for sources.
    expect([...translator.sourceIds('w0 w78 w79')]).toEqual([4, 82, 3, 2]);
    expect([...translator.tokenizer.encode('w92')]).toEqual([96]);
    await translator.dispose();
  });

  it('are refused where the model has no embedding for them, or no sources', async () => {
    const folder = temporaryFolder();
    const check = async (load: string) =>
      (
        await runSteps(
          folder,
          `large: { use: tokenizer/load, path: ${dictionary(folder, 'dict.txt', 97)} }\nload: { use: zoo/load, ${load} }`,
        )
      ).problems;
    expect(await check(`from: ${from}, tokenizer: large, sourceTokenizer: large`)).toEqual([
      expect.stringMatching(
        /the tokenizer of step large has 97 entries, the model's sources have 83[\s\S]*`sourceTokenizer:`/,
      ),
    ]);
    const lm = JSON.stringify(join(GOLDENS, '../models/gpt2-tiny'));
    expect(await check(`from: ${lm}, sourceTokenizer: large`)).toEqual([
      expect.stringMatching(/sourceTokenizer: a decoder-only language model has no sources/),
    ]);
  });
});

describe("a folder of Marian's with its tokenizers", () => {
  const fixture = (name: string) =>
    fileURLToPath(new URL(`../../packages/tokenizers/fixtures/marian/${name}`, import.meta.url));
  const cases = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));

  /** A model of random weights with the vocabularies of the fixtures, as transformers writes it. */
  async function marianFolder(vocabs: Record<string, string>): Promise<string> {
    const folder = temporaryFolder();
    for (const name of ['source.spm', 'target.spm']) cpSync(fixture(name), join(folder, name));
    for (const [name, from] of Object.entries(vocabs)) cpSync(fixture(from), join(folder, name));
    const size = (name: string) => Object.keys(json(folder, name)).length;
    const [sourceVocab, vocab] = [
      size('vocab.json'),
      size(vocabs['target_vocab.json'] ? 'target_vocab.json' : 'vocab.json'),
    ];
    const { config: tiny } = await goldenTranslation('marian-tiny');
    const config: TranslationConfig = {
      ...tiny,
      vocab,
      ...(sourceVocab !== vocab && { sourceVocab, shareEmbeddings: false }),
      tokens: { start: vocab - 1, end: 0, padding: vocab - 1 },
    };
    const weights = initialWeights(buildTranslationModel(config, registry), 1);
    const { config: written, tensors } = await exportModel(config, async (name) => weights[name]!.data, {
      architecture: 'marian',
    });
    await writeSafetensorsFolder(folder, tensors);
    writeFileSync(join(folder, 'config.json'), JSON.stringify(written));
    return folder;
  }

  it.each([
    ['shared', { 'vocab.json': 'vocab.json' }],
    ['separate', { 'vocab.json': 'source_vocab.json', 'target_vocab.json': 'target_vocab.json' }],
  ] as const)('vocabularies %s: loaded, translated with, and written as they were', async (name, vocabs) => {
    const folder = await marianFolder(vocabs);
    const run = temporaryFolder();
    const { problems, summary, artifacts } = await runSteps(
      run,
      `load: { use: zoo/load, from: ${JSON.stringify(folder)} }
save: { use: zoo/save, from: load }
own: { use: zoo/save, from: load, to: own }`,
    );
    expect([problems, summary?.error]).toEqual([[], undefined]);
    const translator = await checkpointTranslator(artifacts.load!.folder, { engine, context: registry });
    for (const { text, ids } of cases[name].sources) expect([...translator.sourceIds(text)]).toEqual([...ids, 0]);
    for (const { ids, text } of cases[name].decoded) expect(translator.tokenizer.decode(ids)).toBe(text);
    const found = await translator.search([translator.sourceIds('A small frog.')], { beam: 2, maxTokens: 6 });
    const best = found[0]![0]!;
    expect(best.text).toBe(translator.tokenizer.decode(best.ids));
    // Left alone, these weights choose nothing else.
    expect(best.ids).not.toContain(translator.tokens.padding);
    await translator.dispose();

    const saved = savedIn(artifacts.save!);
    for (const file of ['source.spm', 'target.spm'])
      expect(readFileSync(join(saved, file)).equals(readFileSync(join(folder, file))), file).toBe(true);
    for (const file of Object.keys(vocabs)) expect(json(saved, file)).toEqual(json(folder, file));
    expect(json(saved, 'tokenizer_config.json')).toEqual({
      tokenizer_class: 'MarianTokenizer',
      model_max_length: 64,
      ...(name === 'separate' && { separate_vocabs: true }),
    });
    expect(card(artifacts.save!)).toContain('tokenizer = AutoTokenizer.from_pretrained(');
    for (const from of [saved, savedIn(artifacts.own!)]) {
      const again = await runSteps(temporaryFolder(), `load: { use: zoo/load, from: ${JSON.stringify(from)} }`);
      expect(again.artifacts.load!.data).toMatchObject({ algorithm: 'marian', vocab: expect.any(Number) });
      const [first, second] = [artifacts.load!, again.artifacts.load!].map((each) =>
        ['tokenizer.json', 'source-tokenizer.json'].map((file) => readFileSync(join(each.folder, file), 'utf8')),
      );
      expect(second).toEqual(first);
    }
    const { code, out } = await runCli(
      ['translate', `${join(run, 'runs', 'steps')}:load`, '--beam', '2', '--max-tokens', '5'],
      {},
      Buffer.from('A small frog.\nTwo.\n'),
    );
    expect([code, out.split('\n').length]).toEqual([0, 3]);
    const inspection = JSON.parse((await runCli(['inspect', folder, '--json'])).out);
    expect(inspection.sourceTokenizer).toEqual([join(folder, 'source.spm'), join(folder, 'vocab.json')]);
  });
});
