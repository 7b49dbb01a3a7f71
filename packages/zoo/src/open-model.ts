/** A model at a path, whatever project wrote it, under this project's names and with its weights still on disk. */
import { join } from 'node:path';
import type { CreateContext } from '@t2r/core';
import { buildModel, type ModelConfig } from '@t2r/models';
import { sourceTokenizerFiles, tokenizerFiles } from '@t2r/tokenizers';
import { importAnyModel } from './architectures/model.js';
import type { JsonObject, TensorReader } from './architectures/types.js';
import { parseCheckpointConfig } from './config.js';
import { type FoundModel, findModel, readJson } from './find-model.js';
import { type Licence, licenceOf } from './licence.js';
import type { CheckpointOrigin } from './types.js';
import { verifyWeights } from './verify.js';

export interface OpenedModel {
  found: FoundModel;
  /** Family, or `t2r-checkpoint` for this project's own. */
  architecture: string;
  /** Its `use` tells the kind. */
  config: ModelConfig;
  /** The weights under this project's names, read when they are asked for. */
  tensors: TensorReader;
  /** Files of the tokenizer beside the weights; empty where there is none. */
  tokenizer: string[];
  /** The same of a tokenizer that a translation model has for its sources alone. */
  sourceTokenizer: string[];
  /** What is to be known of it later, when it is written again. */
  origin: CheckpointOrigin;
  close(): Promise<void>;
}

/** Files of a tokenizer in a folder; empty where there is none. */
async function tokenizerIn(folder: string): Promise<string[]> {
  return tokenizerFiles(folder).catch(() => []);
}

/** JSON beside the weights, where it is there and no larger than what a checkpoint should carry along. */
async function beside(folder: string, name: string): Promise<JsonObject | undefined> {
  const json = await readJson(join(folder, name)).catch(() => undefined);
  return json !== undefined && JSON.stringify(json).length <= 1 << 18 ? json : undefined;
}

/** What of a foreign configuration is kept: all of a config.json, nothing of a pickle's options, which are another project's. */
const baseOf = ({ configFile, config }: FoundModel): JsonObject | undefined =>
  configFile !== undefined && config.model_type !== undefined ? config : undefined;

/**
 * Opens the model at a path. Of the weights only headers are read, and the few scalars in which CTranslate2 writes what the model
 * is like.
 * @param context builds the attention variants that a converted checkpoint names
 * @throws UserError where there is no model, or something in it is damaged, not known or not supported
 */
export async function openModel(path: string, context: CreateContext): Promise<OpenedModel> {
  const found = await findModel(path);
  const { source, folder, config: theirs } = found;
  try {
    const tokenizer = await tokenizerIn(folder);
    const sourceTokenizer = await sourceTokenizerFiles(folder);
    const close = () => source.close();
    if (found.own) {
      const { model, origin = {} } = parseCheckpointConfig(theirs, found.configFile!);
      verifyWeights(source, buildModel(model, context).parameters());
      const architecture = 't2r-checkpoint';
      return { found, architecture, config: model, tensors: source, tokenizer, sourceTokenizer, origin, close };
    }
    const { architecture, config, tensors } = await importAnyModel(theirs, source);
    const licence: Licence | undefined = await licenceOf(folder);
    const origin = {
      architecture,
      format: source.format,
      config: baseOf(found),
      generationConfig: await beside(folder, 'generation_config.json'),
      tokenizerConfig: await beside(folder, 'tokenizer_config.json'),
      ...licence,
    };
    return { found, architecture, config, tensors, tokenizer, sourceTokenizer, origin, close };
  } catch (error) {
    await source.close();
    throw error;
  }
}
