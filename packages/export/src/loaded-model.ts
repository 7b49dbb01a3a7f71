/** A checkpoint's model with everything that an export of it needs. */
import { type CreateContext, UserError } from '@t2r/core';
import { tokenizerTokens } from '@t2r/generation';
import {
  type AnyModel,
  buildLanguageModel,
  buildModel,
  buildTranslationModel,
  type TranslationTokens,
  type Weights,
} from '@t2r/models';
import { loadTokenizer, type Tokenizer } from '@t2r/tokenizers';
import { type CheckpointOrigin, checkpointConfig, loadCheckpoint } from '@t2r/zoo';

export interface LoadedModel {
  model: AnyModel;
  /** As the checkpoint holds them. */
  weights: Weights;
  tokenizer?: Tokenizer;
  /** Files of the tokenizers of targets (or of all text), and of sources that have their own. */
  tokenizerFile?: string;
  sourceTokenizerFile?: string;
  /** Of an encoder-decoder. */
  tokens?: TranslationTokens;
  origin?: CheckpointOrigin;
}

/**
 * Loads a checkpoint folder of any kind of model.
 *
 * @throws UserError where a file is missing or damaged, or nothing tells an encoder-decoder's special tokens
 */
export async function loadModel(folder: string, context: CreateContext): Promise<LoadedModel> {
  const { model: config, origin } = await checkpointConfig(folder);
  const checkpoint =
    config.use === 'encoder-decoder'
      ? await loadCheckpoint(folder, {
          use: 'encoder-decoder',
          parameters: (own) => buildTranslationModel(own, context).parameters(),
        })
      : await loadCheckpoint(folder, { parameters: (own) => buildLanguageModel(own, context).parameters() });
  const { weights, tokenizer: tokenizerFile, sourceTokenizer: sourceTokenizerFile } = checkpoint;
  const tokenizer = tokenizerFile === undefined ? undefined : await loadTokenizer(tokenizerFile);
  const files = { tokenizer, tokenizerFile, sourceTokenizerFile };
  const loaded = { model: buildModel(config, context), weights, origin, ...files };
  if (config.use === 'decoder-lm') return loaded;
  const tokens = config.tokens ?? (tokenizer && tokenizerTokens(tokenizer));
  if (tokens === undefined)
    throw new UserError(`neither ${folder} nor a tokenizer in it tells the decoder's start token`, {
      hint: 'Give model.tokens: { start, end, padding } in the config.json of the checkpoint.',
    });
  return { ...loaded, tokens };
}
