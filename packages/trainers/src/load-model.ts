/** Checkpoints of inputs, their tensors checked against the models that their configurations describe. */
import type { CreateContext } from '@t2r/core';
import {
  buildLanguageModel,
  buildModel,
  buildTranslationModel,
  type ModelConfig,
  type TranslationConfig,
} from '@t2r/models';
import { type Checkpoint, checkpointConfig, loadCheckpoint } from '@t2r/zoo';

/** Of a language model. */
export const loadModel = (folder: string, context: CreateContext): Promise<Checkpoint> =>
  loadCheckpoint(folder, { parameters: (config) => buildLanguageModel(config, context).parameters() });

/** Of a translation model. */
export const loadTranslation = (folder: string, context: CreateContext): Promise<Checkpoint<TranslationConfig>> =>
  loadCheckpoint(folder, {
    use: 'encoder-decoder',
    parameters: (config) => buildTranslationModel(config, context).parameters(),
  });

/** Of a model of any kind. */
export async function loadAnyModel(folder: string, context: CreateContext): Promise<Checkpoint<ModelConfig>> {
  const { use } = (await checkpointConfig(folder)).model;
  return loadCheckpoint(folder, { use, parameters: (config) => buildModel(config, context).parameters() });
}
