/** The checkpoint folder: model.safetensors (or shards of it), config.json and, where the model has a tokenizer, its file. */
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParameterSpec } from '@t2r/attention';
import { writeFileAtomicWith, writeJsonAtomic } from '@t2r/core';
import { configOf, type ModelConfig, type ModelConfigs } from '@t2r/models';
import { readCheckpointConfig } from './config.js';
import type { WritableTensor } from './formats/safetensors-write.js';
import { writeSafetensorsFolder } from './formats/shards-write.js';
import { openTensors } from './open.js';
import type { Checkpoint, CheckpointConfig } from './types.js';
import { verifyWeights } from './verify.js';

const CONFIG_FILE = 'config.json';
/** Names of a tokenizer's one file: Hugging Face's and this project's own kinds, and SentencePiece models. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer.model'] as const;
/** Before these names, for a translation model's sources. */
export const SOURCE = 'source-';

export interface SaveCheckpointOptions {
  config: CheckpointConfig<ModelConfig>;
  /** By parameter name, row-major; those with a `read` are asked for their values one after the other. */
  weights: Readonly<Record<string, WritableTensor>>;
  /** tokenizer.json, or the SentencePiece model (`.model`), to copy beside the weights. */
  tokenizerPath?: string;
  /** The same for the sources of a translation model that have a tokenizer of their own. */
  sourceTokenizerPath?: string;
}

/** Copies a tokenizer's file under its name in the folder. */
async function copyTokenizer(folder: string, path: string, prefix = ''): Promise<void> {
  const [json, model] = TOKENIZER_FILES;
  const name = prefix + (path.endsWith('.model') ? model : json);
  await writeFileAtomicWith(join(folder, name), (temporary) => copyFile(path, temporary));
}

/** Writes a checkpoint folder; each file appears only when it is complete, config.json last. */
export async function saveCheckpoint(
  folder: string,
  { config, weights, tokenizerPath, sourceTokenizerPath }: SaveCheckpointOptions,
): Promise<void> {
  await writeSafetensorsFolder(folder, weights, { metadata: { format: config.format } });
  if (tokenizerPath !== undefined) await copyTokenizer(folder, tokenizerPath);
  if (sourceTokenizerPath !== undefined) await copyTokenizer(folder, sourceTokenizerPath, SOURCE);
  await writeJsonAtomic(join(folder, CONFIG_FILE), config);
}

/** The configuration of a checkpoint folder, of any kind of model. @throws UserError when it is missing or wrong */
export const checkpointConfig = (folder: string): Promise<CheckpointConfig<ModelConfig>> =>
  readCheckpointConfig(join(folder, CONFIG_FILE));

export interface LoadCheckpointOptions<Kind extends keyof ModelConfigs> {
  /** The kind that the model must be of; default: decoder-lm. */
  use?: Kind;
  /** What the model of this configuration asks for; when given, the tensors must be exactly these. */
  parameters?: (model: ModelConfigs[Kind]) => readonly ParameterSpec[];
}

/**
 * Reads a checkpoint folder.
 *
 * @throws UserError when a file is missing, truncated or damaged, the model is of another kind, or the tensors are not those
 * the model asks for
 */
export async function loadCheckpoint<Kind extends keyof ModelConfigs = 'decoder-lm'>(
  folder: string,
  { use = 'decoder-lm' as Kind, parameters }: LoadCheckpointOptions<Kind> = {},
): Promise<Checkpoint<ModelConfigs[Kind]>> {
  const written = await checkpointConfig(folder);
  const config = { ...written, model: configOf(use, written.model, `the model in ${folder}`) };
  const source = await openTensors(folder);
  const weights: [string, Checkpoint['weights'][string]][] = [];
  try {
    if (parameters !== undefined) verifyWeights(source, parameters(config.model));
    for (const name of source.entries.keys()) {
      const { shape, data } = await source.read(name);
      weights.push([name, { shape: [...shape], data: data instanceof Float32Array ? data : Float32Array.from(data) }]);
    }
  } finally {
    await source.close();
  }
  const names = await readdir(folder);
  const present = (prefix: string) => {
    const name = TOKENIZER_FILES.find((each) => names.includes(prefix + each));
    return name === undefined ? undefined : join(folder, prefix + name);
  };
  const [tokenizer, sourceTokenizer] = [present(''), present(SOURCE)];
  return {
    config,
    weights: Object.fromEntries(weights),
    ...(tokenizer !== undefined && { tokenizer }),
    ...(sourceTokenizer !== undefined && { sourceTokenizer }),
  };
}
