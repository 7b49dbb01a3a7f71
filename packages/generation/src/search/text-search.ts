/** Beam search from text to text with the language model of a checkpoint folder. */
import type { CreateContext } from '@t2r/core';
import { UserError } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { buildLanguageModel, type LanguageModel } from '@t2r/models';
import { loadTokenizer, TextStream, type Tokenizer } from '@t2r/tokenizers';
import { loadCheckpoint } from '@t2r/zoo';
import type { Hypothesis } from './hypothesis.js';
import { languageSearchModel } from './model.js';
import { type BeamSearch, type BeamSearchSettings, createBeamSearch, type StreamOptions } from './search.js';

/** A hypothesis with its text, which goes on from the prompt's. */
export interface TextHypothesis extends Hypothesis {
  text: string;
}

export interface TextSearch {
  readonly model: LanguageModel;
  readonly tokenizer: Tokenizer;
  /** The best continuations of each prompt, best first; prompts may differ in length. */
  search(prompts: readonly string[], options?: StreamOptions): Promise<TextHypothesis[][]>;
  dispose(): Promise<void>;
}

export interface CheckpointSearchOptions extends Omit<BeamSearchSettings, 'model'> {
  engine: Engine;
  /** Builds the attention variants that the checkpoint names: a registry, or a step's context. */
  context: CreateContext;
}

/**
 * Loads a checkpoint folder of a language model for beam search. Texts end with the tokenizer's end-of-text token; without
 * one, or with `atLimit: 'cut'` (the default here), they may end at their longest length. Throws UserError where a file is
 * missing or damaged, or there is no tokenizer.
 */
export async function checkpointSearch(
  folder: string,
  { context, ...settings }: CheckpointSearchOptions,
): Promise<TextSearch> {
  const {
    config,
    weights,
    tokenizer: path,
  } = await loadCheckpoint(folder, {
    parameters: (own) => buildLanguageModel(own, context).parameters(),
  });
  if (path === undefined)
    throw new UserError('this model has no tokenizer, so it cannot generate text', {
      hint: 'Put a tokenizer.json into the checkpoint folder.',
    });
  const model = buildLanguageModel(config.model, context);
  const tokenizer = await loadTokenizer(path);
  const search: BeamSearch = createBeamSearch({
    ...settings,
    model: languageSearchModel(model, { weights, endOfText: tokenizer.endOfText }),
  });
  return {
    model,
    tokenizer,
    async search(prompts, options) {
      const ids = prompts.map((prompt) => tokenizer.encode(prompt));
      const found = await search.search(ids, { atLimit: 'cut', ...options });
      return found.map((hypotheses, i) =>
        hypotheses.map((hypothesis) => ({ ...hypothesis, text: continuation(tokenizer, ids[i]!, hypothesis.ids) })),
      );
    },
    dispose: () => search.dispose(),
  };
}

/** What joins the first new token to the prompt (a space between words) depends on the prompt's last token. */
function continuation(tokenizer: Tokenizer, prompt: ArrayLike<number>, ids: readonly number[]): string {
  const stream = new TextStream(tokenizer);
  for (let i = 0; i < prompt.length; i++) stream.push(prompt[i]!);
  return ids.map((id) => stream.push(id)).join('') + stream.end();
}
