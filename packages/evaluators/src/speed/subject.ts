/** Models to measure: of checkpoints, or with random weights. */
import type { CreateContext } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { createBeamSearch, createGenerator, translationSearchModel } from '@t2r/generation';
import {
  type AnyModel,
  buildModel,
  initialWeights,
  languageModel,
  type ModelConfig,
  translationModel,
  type Weights,
} from '@t2r/models';
import { loadTokenizer, type Tokenizer } from '@t2r/tokenizers';
import { checkpointConfig, loadCheckpoint } from '@t2r/zoo';
import type { DecodingSubject } from './decoding-speed.js';
import type { TranslatingSubject } from './translating-speed.js';

/** A model with its weights. */
export interface LoadedModel {
  model: AnyModel;
  weights: Weights;
  tokenizer?: Tokenizer;
}

/** The model of a checkpoint folder. @throws UserError where it is missing or damaged */
export async function loadModel(folder: string, context: CreateContext): Promise<LoadedModel> {
  const { use } = (await checkpointConfig(folder)).model;
  const { config, weights, tokenizer } = await loadCheckpoint(folder, {
    use,
    parameters: (own) => buildModel(own, context).parameters(),
  });
  return {
    model: buildModel(config.model, context),
    weights,
    tokenizer: tokenizer === undefined ? undefined : await loadTokenizer(tokenizer),
  };
}

/** A model with random weights: decoding takes the same time as with trained ones. */
export function randomModel(config: ModelConfig, context: CreateContext): LoadedModel {
  const model = buildModel(config, context);
  return { model, weights: initialWeights(model, 1) };
}

/** A language model, for `measureDecoding`. @throws UserError where the model is for translation */
export function decodingSubject(
  { model: any, weights, tokenizer }: LoadedModel,
  engine: Engine,
): DecodingSubject & { model: ReturnType<typeof languageModel> } {
  const model = languageModel(any);
  return { model, open: (options) => createGenerator({ model, weights, tokenizer, engine, ...options }) };
}

/** Special tokens of a model that names none; the text does not matter when a length is forced. */
const ANY_TOKENS = { start: 0, end: 1, padding: 0 };

/** An encoder-decoder, for `measureTranslating`. @throws UserError where the model is a language model */
export function translatingSubject({ model: any, weights }: LoadedModel, engine: Engine): TranslatingSubject {
  const model = translationModel(any);
  const tokens = model.config.tokens ?? ANY_TOKENS;
  return {
    model,
    open: ({ batch }) =>
      createBeamSearch({
        engine,
        model: translationSearchModel(model, { engine, weights, tokens }),
        sentences: batch,
        tokens: Number.POSITIVE_INFINITY,
      }),
  };
}
