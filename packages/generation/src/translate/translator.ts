/** Beam search with the encoder-decoder of a checkpoint folder, from sentences to sentences. */
import { type CreateContext, UserError } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { buildTranslationModel, type TranslationModel, type TranslationTokens, type Weights } from '@t2r/models';
import { loadTokenizer, type Tokenizer } from '@t2r/tokenizers';
import { loadCheckpoint } from '@t2r/zoo';
import type { Hypothesis } from '../search/hypothesis.js';
import { type BeamSearchSettings, createBeamSearch, type StreamOptions } from '../search/search.js';
import { translationSearchModel } from '../search/translation-model.js';

/** A translation, with its tokens and scores. */
export interface Translation extends Hypothesis {
  text: string;
}

export interface Translator {
  readonly model: TranslationModel;
  /** Of targets. */
  readonly tokenizer: Tokenizer;
  /** Of sources: the same, unless they have one of their own. */
  readonly sourceTokenizer: Tokenizer;
  readonly tokens: TranslationTokens;
  /** The model's parameters. */
  readonly weights: Weights;
  /** Ids of a sentence as the encoder reads them, its end token included. */
  sourceIds(text: string): Int32Array;
  /** The best translations of each source, best first, in the order of the sources. The padding token is never chosen. */
  search(sources: readonly ArrayLike<number>[], options?: StreamOptions): Promise<Translation[][]>;
  /** The same as they are found, from any number of sources. */
  stream(
    sources: Iterable<ArrayLike<number>> | AsyncIterable<ArrayLike<number>>,
    options?: StreamOptions,
  ): AsyncGenerator<Translation[], void>;
  /** Releases the compiled programs; the engine stays open. */
  dispose(): Promise<void>;
}

export interface CheckpointTranslatorOptions extends Omit<BeamSearchSettings, 'model'> {
  engine: Engine;
  /** Builds the attention variants that the checkpoint names: a registry, or a step's context. */
  context: CreateContext;
}

/** Special tokens of a checkpoint that does not tell them: fairseq's convention, the end token before the target. */
export function tokenizerTokens(tokenizer: Tokenizer): TranslationTokens {
  const end = tokenizer.endOfText ?? tokenizer.tokenToId('</s>');
  if (end === undefined)
    throw new UserError('neither the checkpoint nor its tokenizer tells which token ends a sentence', {
      hint: 'Give model.tokens: { start, end, padding } in the config.json of the checkpoint.',
    });
  return { start: end, end, padding: tokenizer.tokenToId('<pad>') ?? end };
}

/**
 * Loads a checkpoint folder for translating. Throws UserError where a file is missing or damaged, the model is none for
 * translation, or there is no tokenizer.
 */
export async function checkpointTranslator(
  folder: string,
  { context, engine, ...settings }: CheckpointTranslatorOptions,
): Promise<Translator> {
  const {
    config,
    weights,
    tokenizer: path,
    sourceTokenizer: sourcePath,
  } = await loadCheckpoint(folder, {
    use: 'encoder-decoder',
    parameters: (own) => buildTranslationModel(own, context).parameters(),
  });
  if (path === undefined)
    throw new UserError(`the checkpoint ${folder} has no tokenizer, so it cannot translate text`, {
      hint: 'Put a tokenizer.json into the folder.',
    });
  const model = buildTranslationModel(config.model, context);
  const tokenizer = await loadTokenizer(path);
  const sourceTokenizer = sourcePath === undefined ? tokenizer : await loadTokenizer(sourcePath);
  const tokens = config.model.tokens ?? tokenizerTokens(tokenizer);
  const search = createBeamSearch({
    ...settings,
    engine,
    model: translationSearchModel(model, { engine, weights, tokens }),
  });
  const withText = (hypotheses: Hypothesis[]): Translation[] =>
    hypotheses.map((hypothesis) => ({ ...hypothesis, text: tokenizer.decode(hypothesis.ids) }));
  // As fairseq and Marian do: padding was never trained, and in Marian's models of transformers its score is 0 by construction.
  const never = tokens.padding === tokens.end ? [] : [tokens.padding];
  const withoutPadding = (options?: StreamOptions) => ({
    ...options,
    suppressTokens: [...never, ...(options?.suppressTokens ?? [])],
  });
  async function* stream(...[sources, options]: Parameters<Translator['stream']>): ReturnType<Translator['stream']> {
    for await (const hypotheses of search.stream(sources, withoutPadding(options))) yield withText(hypotheses);
  }
  return {
    model,
    tokenizer,
    sourceTokenizer,
    tokens,
    weights,
    stream,
    sourceIds: (text) => Int32Array.from([...sourceTokenizer.encode(text), tokens.end]),
    search: async (sources, options) => (await search.search(sources, withoutPadding(options))).map(withText),
    dispose: () => search.dispose(),
  };
}
