/** The kinds of models, and telling one from the other. */
import { type CreateContext, UserError } from '@t2r/core';
import { buildLanguageModel } from './decoder-lm.js';
import { buildTranslationModel } from './encoder-decoder.js';
import type { ModelConfig, TranslationConfig, TranslationModel } from './translation-types.js';
import type { LanguageModel, LmConfig } from './types.js';

/** Any model; the `use` of its configuration tells which. */
export type AnyModel = LanguageModel | TranslationModel;

/** A model whose vocabulary is not known yet: it comes with the tokenizer. */
export interface ModelBuilder {
  readonly config: Omit<LmConfig, 'vocab'> | Omit<TranslationConfig, 'vocab' | 'sourceVocab'>;
  /** @param sourceVocab of sources that have a tokenizer of their own; for `encoder-decoder` alone */
  build(vocab: number, sourceVocab?: number): AnyModel;
}

declare module '@t2r/core' {
  interface ComponentKinds {
    /** `create` gives a model builder, because the vocabulary is known only with the tokenizer. */
    model: ModelBuilder;
  }
}

export const isTranslation = (model: AnyModel): model is TranslationModel => model.config.use === 'encoder-decoder';

/** Builds the model of any configuration, see `buildLanguageModel` and `buildTranslationModel`. */
export function buildModel(config: ModelConfig, context: CreateContext): AnyModel {
  return config.use === 'encoder-decoder'
    ? buildTranslationModel(config, context)
    : buildLanguageModel(config, context);
}

const WANTED = {
  'decoder-lm': 'a decoder-only language model',
  'encoder-decoder': 'an encoder-decoder for translation',
} as const;

/** Configurations by their `use`. */
export interface ModelConfigs {
  'decoder-lm': LmConfig;
  'encoder-decoder': TranslationConfig;
}

/**
 * The configuration, which must be of one kind.
 *
 * @param what names the model in the message
 * @throws UserError where it is of the other kind
 */
export function configOf<K extends keyof ModelConfigs>(
  use: K,
  config: ModelConfig,
  what = 'the model',
): ModelConfigs[K] {
  if (config.use === use) return config as ModelConfigs[K];
  throw new UserError(`${what} is ${WANTED[config.use]}, and ${WANTED[use]} is needed here`, {
    hint: `Give a checkpoint or model of use: ${use}.`,
  });
}

/** The model, which must be a language model. @throws UserError where it is not */
export function languageModel(model: AnyModel): LanguageModel {
  configOf('decoder-lm', model.config);
  return model as LanguageModel;
}

/** The model, which must be an encoder-decoder. @throws UserError where it is not */
export function translationModel(model: AnyModel): TranslationModel {
  configOf('encoder-decoder', model.config);
  return model as TranslationModel;
}
