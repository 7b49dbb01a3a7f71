/** A generator of a checkpoint folder. */
import type { CreateContext } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { buildLanguageModel } from '@t2r/models';
import { loadTokenizer } from '@t2r/tokenizers';
import { loadCheckpoint } from '@t2r/zoo';
import { createGenerator, type GeneratorOptions, type TextGenerator } from './generator.js';

export interface CheckpointGeneratorOptions extends Pick<GeneratorOptions, 'batch' | 'chunk' | 'capacity' | 'dtype'> {
  engine: Engine;
  /** Builds the attention variants that the checkpoint names: a registry, or a step's context. */
  context: CreateContext;
}

/**
 * Loads a checkpoint folder (model.safetensors, config.json and, where it has one, tokenizer.json) and returns its
 * generator. Throws UserError when a file is missing or damaged, or an attention variant is unknown.
 */
export async function checkpointGenerator(
  folder: string,
  { engine, context, ...options }: CheckpointGeneratorOptions,
): Promise<TextGenerator> {
  const { config, weights, tokenizer } = await loadCheckpoint(folder, {
    parameters: (model) => buildLanguageModel(model, context).parameters(),
  });
  return createGenerator({
    model: buildLanguageModel(config.model, context),
    weights,
    tokenizer: tokenizer === undefined ? undefined : await loadTokenizer(tokenizer),
    engine,
    ...options,
  });
}
