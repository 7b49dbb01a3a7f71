/** A step's context in memory, tiny checkpoints and token files on disk. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import attention from '@t2r/attention';
import { type Artifact, createRegistry, type StepContext } from '@t2r/core';
import { type TokensData, tokenDtype, writeTokens } from '@t2r/datasets';
import engine from '@t2r/engine';
import { buildLanguageModel, buildModel, initialWeights, type LmConfig, type ModelConfig } from '@t2r/models';
import { saveCheckpoint } from '@t2r/zoo';

const registry = createRegistry([attention, engine]);

const artifact = (id: string, kind: string, folder: string, data: unknown): Artifact => ({
  id,
  use: `test/${kind}`,
  kind,
  key: id,
  folder,
  metrics: {},
  data,
  seconds: 0,
});

export const tinyConfig: LmConfig = {
  use: 'decoder-lm',
  vocab: 11,
  layers: 1,
  dim: 8,
  heads: 2,
  ffn: 16,
  activation: 'relu',
  norm: 'pre',
  positions: 'sinusoidal',
  maxPositions: 16,
  tieOutput: true,
  scaleEmbedding: false,
  dropout: 0,
  attentionDropout: 0,
  activationDropout: 0,
  initStd: 0.6,
  attention: [{ use: 't2r-mlp', features: 4 }],
};

/** The model of a configuration. */
export const tinyModel = (config: LmConfig) => buildLanguageModel(config, registry);

/** Writes a checkpoint with random weights, or with all weights zero: its predictions are uniform. */
export async function writeCheckpoint(
  folder: string,
  id: string,
  { zero = false, seed = 1, config = tinyConfig }: { zero?: boolean; seed?: number; config?: ModelConfig } = {},
): Promise<Artifact> {
  const weights = initialWeights(buildModel(config, registry), seed);
  if (zero) for (const { data } of Object.values(weights)) data.fill(0);
  const path = join(folder, id);
  await mkdir(path, { recursive: true });
  await saveCheckpoint(path, { config: { format: 't2r-checkpoint', version: 1, model: config }, weights });
  return artifact(id, 'checkpoint', path, {});
}

/** Writes one split of ids, the first of which is a start before the text where one is named. */
export async function writeSplit(
  folder: string,
  split: string,
  ids: Int32Array,
  bytes: number,
  start?: string,
): Promise<Artifact> {
  const dtype = tokenDtype(tinyConfig.vocab);
  const file = `${split}.bin`;
  const pieces = async function* () {
    yield ids;
  };
  const tokens = await writeTokens(join(folder, file), dtype, pieces());
  const data: TokensData = {
    vocab: tinyConfig.vocab,
    unit: 'word',
    splits: { [split]: { file, dtype, tokens, bytes, documents: 1, start } },
  };
  return artifact('tokens', 'tokens', folder, data);
}

/** A context over some artifacts, on the plain JavaScript engine; messages are collected. */
export function runContext(
  folder: string,
  artifacts: readonly Artifact[],
): { context: StepContext; messages: string[] } {
  const messages: string[] = [];
  const context: StepContext = {
    create: registry.create,
    id: 'evaluate',
    folder,
    seed: 1,
    engineSpec: { use: 'cpu' },
    events: {
      progress: () => {},
      point: (series, x) => messages.push(`point ${series} ${x}`),
      info: (message) => messages.push(message),
      warn: (message) => messages.push(`warning: ${message}`),
    },
    signal: new AbortController().signal,
    input: ({ step }) => artifacts.find(({ id }) => id === step)!,
    all: () => [...artifacts],
    run: { name: 'test', folder },
  };
  return { context, messages };
}
