/**
 * What a pretrained model costs on its way to an RNN: `npm run bench -- convert [folder]`. Loads it, inspects it, swaps its
 * attention and trains one step, with the memory of the process after each. Without a folder, a random model of GPT-2 small's shape
 * is made first, with GPT-2's own tokenizer where T2R_DATA has it.
 */

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import attention, { softmaxAttention } from '@t2r/attention';
import { createRandom, createRegistry, loadRecipe, type Plugin, runRecipe } from '@t2r/core';
import datasets from '@t2r/datasets';
import engine from '@t2r/engine';
import { median } from '@t2r/evaluators';
import models, { createLanguageModel, type LmConfig } from '@t2r/models';
import tokenizers from '@t2r/tokenizers';
import trainers from '@t2r/trainers';
import zoo, { exportModel, inspectCheckpoint, writeSafetensorsFolder } from '@t2r/zoo';

export interface ConvertFigure {
  case: 'convert';
  /** What was done: load, inspect, swap, train (one step). */
  part: string;
  ms: number;
  /** Parameters of the model. */
  parameters: number;
  /** Most memory that the process has had until then, and its ratio to the weights in float32. */
  peak_rss_bytes: number;
  memory_ratio: number;
}

const GPT2_SMALL: LmConfig = {
  use: 'decoder-lm',
  vocab: 50_257,
  layers: 12,
  dim: 768,
  heads: 12,
  ffn: 3072,
  activation: 'gelu-new',
  norm: 'pre',
  positions: 'learned',
  maxPositions: 1024,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.02,
  normEpsilon: 1e-5,
  attention: Array.from({ length: 12 }, () => ({ use: 'softmax' })),
};

/** Writes a random model as transformers would, one tensor in memory at a time. */
async function writeRandomModel(folder: string, data: string | undefined): Promise<void> {
  const model = createLanguageModel(
    GPT2_SMALL,
    GPT2_SMALL.attention.map(() => softmaxAttention()),
  );
  const shapes = new Map(model.parameters().map(({ name, shape }) => [name, shape]));
  const read = async (name: string) => {
    const random = createRandom('bench', name);
    const size = shapes.get(name)!.reduce((a, b) => a * b, 1);
    const norm = /norm/.test(name) && name.endsWith('weight') ? 1 : 0;
    return Float32Array.from({ length: size }, () => norm + 0.07 * (random.uniform() - 0.5));
  };
  const { config, tensors } = await exportModel(GPT2_SMALL, read, { architecture: 'gpt2' });
  mkdirSync(folder, { recursive: true });
  await writeSafetensorsFolder(folder, tensors, { metadata: { format: 'pt' } });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  if (data === undefined) return;
  for (const name of ['encoder.json', 'vocab.bpe']) copyFileSync(join(data, 'gpt2-vocab', name), join(folder, name));
}

/** Training needs a tokenizer; a model without one gets a small one. */
const recipe = (model: string, own: boolean) => `name: convert
steps:
  corpus: { use: dataset/synthetic, train: 4000, valid: 1000, test: 1000 }
${own ? '' : '  tokenizer: { use: tokenizer/train, from: corpus, algorithm: bpe, vocab: 300 }\n'}
  load: { use: zoo/load, from: ${JSON.stringify(model)}${own ? '' : ', tokenizer: tokenizer'} }
  swap: { use: convert/swap, from: load, attention: { use: t2r-mlp, features: 32 } }
  tokens: { use: dataset/tokens, from: corpus, tokenizer: load }
  train:
    use: train/lm
    from: swap
    data: tokens
    steps: 1
    batch: 1
    block: 64
    optimizer: { use: adamw }
    schedule: { use: constant, peak: 1.0e-4 }
`;

/** Measures the model in a folder, or a random one. */
export async function* convert(given: string | undefined): AsyncGenerator<ConvertFigure> {
  const folder = mkdtempSync(join(tmpdir(), 't2r-bench-'));
  try {
    const data = process.env.T2R_DATA;
    const model = given ?? join(folder, 'gpt2-small');
    if (given === undefined) await writeRandomModel(model, data);
    const plugins: Plugin[] = [attention, datasets, engine, models, tokenizers, trainers, zoo];
    const registry = createRegistry(plugins);
    const times: number[] = [];
    let parameters = 0;
    for (let i = 0; i < 5; i++) {
      const started = performance.now();
      parameters = (await inspectCheckpoint(model, { context: registry })).parameters ?? 0;
      times.push(performance.now() - started);
    }
    const figure = (part: string, ms: number): ConvertFigure => {
      const peak = process.resourceUsage().maxRSS * 1024;
      return { case: 'convert', part, ms, parameters, peak_rss_bytes: peak, memory_ratio: peak / (4 * parameters) };
    };
    yield figure('inspect (first)', times[0]!);
    yield figure('inspect', median(times));
    const file = join(folder, 'convert.yaml');
    writeFileSync(file, recipe(model, given !== undefined || data !== undefined));
    const { recipe: loaded, problems } = await loadRecipe(file, { registry });
    if (loaded === undefined) throw new Error(problems.map(({ message }) => message).join('; '));
    const figures: ConvertFigure[] = [];
    const summary = await runRecipe(loaded, {
      runsFolder: join(folder, 'runs'),
      onEvent(event) {
        if (event.type !== 'step-end' || !['load', 'swap', 'train'].includes(event.step)) return;
        figures.push(figure(event.step, event.seconds * 1000));
      },
    });
    if (summary.error !== undefined) throw new Error(summary.error.message);
    yield* figures;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
