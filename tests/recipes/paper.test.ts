/** The paper's WikiText-103 rows: what they plan to train is what the options of fairseq and of T2R's script describe. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { hashFile } from '@t2r/core';
import { describe, expect, it } from 'vitest';
import { runCli, temporaryFolder } from './run-cli.js';

const folder = resolve(import.meta.dirname, '../../recipes/paper/wikitext103');

interface Plan {
  name: string;
  gpu?: { name: string; utilisation: number; hoursToRun: { float16: number } };
  steps: {
    id: string;
    key: string;
    parameters?: number;
    flops?: number;
    stateBytesPerSequence?: number;
  }[];
}

async function plan(row: string, ...args: string[]): Promise<Plan> {
  const { code, out } = await runCli(['plan', join(folder, row), '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(out) as Plan;
}

const step = ({ steps }: Plan, id: string) => steps.find((one) => one.id === id)!;

/** train_lm_big_jungo.sh and the arch transformer_lm_wiki103, as they stand there. */
const FAIRSEQ = {
  dictionary: 267_744, // types, as fairseq-preprocess says
  decoderLayers: 32,
  decoderEmbedDim: 1024,
  decoderFfnEmbedDim: 4096,
  decoderAttentionHeads: 8,
  adaptiveInputCutoff: [20_000, 60_000],
  adaptiveInputFactor: 4,
  maxTokens: 3072,
  updateFreq: 16,
  maxUpdate: 286_000,
};

/** Parameters of fairseq's TransformerDecoder, module by module. */
function fairseqParameters(options: typeof FAIRSEQ): number {
  const { dictionary, decoderLayers, decoderEmbedDim: dim, decoderFfnEmbedDim: ffn } = options;
  const linear = (from: number, to: number) => from * to + to;
  const layerNorm = 2 * dim;
  const layer = 4 * linear(dim, dim) + layerNorm + linear(dim, ffn) + linear(ffn, dim) + layerNorm;
  const edges = [0, ...options.adaptiveInputCutoff, dictionary];
  const embeddings = edges.slice(1).map((to, band) => {
    const width = dim / options.adaptiveInputFactor ** band;
    return (to - edges[band]!) * width + width * dim; // nn.Embedding, nn.Linear without bias
  });
  // --tie-adaptive-weights and --tie-adaptive-proj leave the softmax its cluster weights alone; --no-decoder-final-norm.
  const classProj = dim * options.adaptiveInputCutoff.length;
  return decoderLayers * layer + embeddings.reduce((sum, size) => sum + size, 0) + classProj;
}

describe('recipes/paper/wikitext103', () => {
  it('trains the model that the options of fairseq describe', async () => {
    const parameters = fairseqParameters(FAIRSEQ);
    expect(parameters).toBe(448_473_088);
    const planned = await plan('transformer.yaml');
    expect(step(planned, 'init').parameters).toBe(parameters);
    expect(step(planned, 'pretrain').parameters).toBe(parameters);
  });

  it('adds the feature maps of T2R to it: r k (d + 1) a layer', async () => {
    const added = 8 * 32 * (128 + 1);
    const softmax = fairseqParameters(FAIRSEQ);
    const all = await plan('t2r-pretrain.yaml');
    expect(step(all, 'finetune').parameters).toBe(softmax + 32 * added);
    expect(step(await plan('t2r-75-pretrain.yaml'), 'finetune').parameters).toBe(softmax + 24 * added);
    expect(step(await plan('t2r-random.yaml'), 'train').parameters).toBe(softmax + 32 * added);
    // RFA learns the scale of its frequencies, a number a head and dimension; elu has no parameters.
    expect(step(await plan('rfa-random.yaml'), 'train').parameters).toBe(softmax + 32 * 1024);
    expect(step(await plan('elu-pretrain.yaml'), 'finetune').parameters).toBe(softmax);
    // S and z of 8 heads in float32, k = 32 and k = 128.
    expect(step(all, 'finetune').stateBytesPerSequence).toBe(4 * 32 * 8 * 32 * 129);
    expect(step(await plan('elu-random.yaml'), 'train').stateBytesPerSequence).toBe(4 * 32 * 8 * 128 * 129);
  });

  it('takes as many operations as six a parameter and token, roughly, and says how long GPUs take', async () => {
    const planned = await plan('t2r-random.yaml', '--gpu', 'v100');
    const tokens = FAIRSEQ.maxUpdate * FAIRSEQ.maxTokens * FAIRSEQ.updateFreq;
    const ratio = step(planned, 'train').flops! / (6 * fairseqParameters(FAIRSEQ) * tokens);
    expect(ratio).toBeGreaterThan(0.95);
    expect(ratio).toBeLessThan(1.05);
    // The paper's 474 GPU hours are from memory, and so is no more than their order of magnitude.
    const { hoursToRun, utilisation } = planned.gpu!;
    expect(utilisation).toBe(0.25);
    expect(hoursToRun.float16).toBeGreaterThan(474 / 2);
    expect(hoursToRun.float16).toBeLessThan(474 * 2);
  });

  it('shares one run, so that what the rows have in common is made once', async () => {
    const rows = readdirSync(folder);
    expect(rows).toHaveLength(8);
    const plans = await Promise.all(rows.map((row) => plan(row)));
    expect(new Set(plans.map(({ name }) => name)).size).toBe(1);
    const steps = plans.flatMap((one) => one.steps);
    const keys = (id: string) => new Set(steps.filter((one) => one.id === id).map(({ key }) => key));
    for (const id of ['corpus', 'tokenizer', 'tokens', 'pretrain']) expect(keys(id).size, id).toBe(1);
    expect(keys('train').size).toBe(3);
    expect(keys('finetune').size).toBe(4);
  });
});

it('a row runs, at a size of seconds', async () => {
  const fixtures = resolve(import.meta.dirname, '../../packages/datasets/src/__fixtures__');
  const small = {
    'data.root': fixtures,
    'data.archive': 'words.zip',
    'data.sha256': await hashFile(join(fixtures, 'words.zip')),
    'data.train': 'words/train.tokens',
    'data.valid': 'words/valid.tokens',
    'data.test': 'words/test.tokens',
    'steps.tokenizer.vocab': 4000,
    model: '{ layers: 4, dim: 32, heads: 2, ffn: 64 }',
    'model.adaptive.cutoffs': '[8, 40]',
    'vars.training.batch': 2,
    'vars.training.accumulate': 2,
    'vars.training.block': 32,
    'vars.training.evaluate.every': 10,
    'vars.pretraining.steps': 20,
    'vars.finetuning.steps': 10,
    'schedule.peak': 0.01,
    'vars.evaluation.window': 32,
    'vars.evaluation.stride': 16,
  };
  const set = Object.entries(small).flatMap(([path, value]) => ['--set', `${path}=${value}`]);
  const runs = temporaryFolder();
  const { code, out, err } = await runCli([
    'run',
    join(folder, 't2r-75-pretrain.yaml'),
    '--runs',
    runs,
    '--json',
    ...set,
  ]);
  // Twenty steps do not reach the paper's perplexities; everything else is as it should be.
  expect({ code, err }).toMatchObject({
    code: 1,
    err: expect.stringMatching(/finetune\.test of perplexity is .*expected 18\.5/),
  });
  const { steps } = JSON.parse(out) as { steps: Record<string, { status: string; metrics: Record<string, number> }> };
  expect(new Set(Object.values(steps).map(({ status }) => status))).toEqual(new Set(['done']));
  // 2,000 lines of 6 words and their ends; 2 lines, 3 words; 1 line, 2 words.
  expect(steps.tokens!.metrics).toMatchObject({ 'train.tokens': 14_000, 'valid.tokens': 5, 'test.tokens': 3 });
  const log = readFileSync(join(runs, 'wikitext103/events.jsonl'), 'utf8');
  expect(log).toContain(
    'test: ppl|unit:word|vocab:2016|window:32|stride:16|scored:3/3|bytes:11|context:1-3|start:</s>',
  );
});

it('a GPU is assumed where a step is too large for a processor, and only there', async () => {
  expect((await plan('transformer.yaml')).gpu).toMatchObject({
    name: 'v100',
    peakTflops: { float32: 15.7, float16: 125 },
  });
  const small = join(folder, '../../quickstart/t2r.yaml');
  const { out } = await runCli(['plan', small]);
  expect(out).not.toMatch(/float32|GPU/);
  const asked = await runCli(['plan', small, '--gpu', 'h100']);
  expect(asked.out).toMatch(
    /on one NVIDIA H100 SXM: 0\.0 h in float32 .* at 25 % of its dense peak of 67 and 989 TFLOP\/s/,
  );
  expect(await runCli(['plan', small, '--gpu', 'h10'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('h100'),
  });
});
