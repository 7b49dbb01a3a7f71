/** The checkpoint folder: model.safetensors (or shards of it), config.json and, where the model has a tokenizer, its file. */
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ParameterSpec } from '@t2r/attention';
import { writeFileAtomicWith, writeJsonAtomic } from '@t2r/core';
import type { LmConfig } from '@t2r/models';
import { readCheckpointConfig } from './config.js';
import type { WritableTensor } from './formats/safetensors-write.js';
import { writeSafetensorsFolder } from './formats/shards-write.js';
import { openTensors } from './open.js';
import type { Checkpoint, CheckpointConfig } from './types.js';
import { verifyWeights } from './verify.js';

const CONFIG_FILE = 'config.json';
/** Names of a tokenizer's one file: Hugging Face's and this project's own kinds, and SentencePiece models. */
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer.model'] as const;

export interface SaveCheckpointOptions {
  config: CheckpointConfig;
  /** By parameter name, row-major; those with a `read` are asked for their values one after the other. */
  weights: Readonly<Record<string, WritableTensor>>;
  /** tokenizer.json, or the SentencePiece model (`.model`), to copy beside the weights. */
  tokenizerPath?: string;
}

/** Writes a checkpoint folder; each file appears only when it is complete, config.json last. */
export async function saveCheckpoint(
  folder: string,
  { config, weights, tokenizerPath }: SaveCheckpointOptions,
): Promise<void> {
  await writeSafetensorsFolder(folder, weights, { metadata: { format: config.format } });
  if (tokenizerPath !== undefined) {
    const [json, model] = TOKENIZER_FILES;
    const name = tokenizerPath.endsWith('.model') ? model : json;
    await writeFileAtomicWith(join(folder, name), (temporary) => copyFile(tokenizerPath, temporary));
  }
  await writeJsonAtomic(join(folder, CONFIG_FILE), config);
}

export interface LoadCheckpointOptions {
  /** What the model of this configuration asks for; when given, the tensors must be exactly these. */
  parameters?: (model: LmConfig) => readonly ParameterSpec[];
}

/**
 * Reads a checkpoint folder.
 *
 * @throws UserError when a file is missing, truncated or damaged, or the tensors are not those the model asks for
 */
export async function loadCheckpoint(folder: string, { parameters }: LoadCheckpointOptions = {}): Promise<Checkpoint> {
  const config = await readCheckpointConfig(join(folder, CONFIG_FILE));
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
  const name = TOKENIZER_FILES.find((each) => names.includes(each));
  return {
    config,
    weights: Object.fromEntries(weights),
    ...(name === undefined ? {} : { tokenizer: join(folder, name) }),
  };
}
