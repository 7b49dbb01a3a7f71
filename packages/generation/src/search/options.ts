/** Options of beam search, their defaults and their checks. */
import { UserError } from '@t2r/core';
import type { LengthFormula } from './length-penalty.js';

/**
 * When the search of a sentence ends before its longest length. With `beam` hypotheses finished:
 *
 *     fairseq    at once; later ones are not looked for (fairseq's default)
 *     early      the same, but those finished in the last step compete with the earlier ones (transformers: early_stopping=True)
 *     estimate   when the best unfinished one, scored at its present length, is no better than the worst of them
 *                (transformers' default, early_stopping=False)
 *
 * and `bound`: when no unfinished one can still come among the `nbest`, whatever it goes on with. Gives what
 * early_stopping="never" of transformers gives, for length penalties of at least 0.
 */
export type Stopping = 'fairseq' | 'early' | 'estimate' | 'bound';

/**
 * What happens to hypotheses of the longest length: their last token is the end token, with its probability (`end-token`,
 * fairseq) or at no cost (`free-end-token`, forced_eos_token_id of transformers), or they end as they are (`cut`,
 * transformers otherwise).
 */
export type AtLimit = 'end-token' | 'free-end-token' | 'cut';

export interface BeamSearchOptions {
  /** Hypotheses that are followed. Default 5. */
  beam?: number;
  /** Results per sentence, at most `beam`. Default 1. */
  nbest?: number;
  /** Exponent a of the length in a hypothesis' score; 0 compares sums of log-probabilities. Default 1. */
  lengthPenalty?: number;
  /** `power`: sum / length^a (fairseq, transformers); `gnmt`: sum / ((5 + length) / 6)^a (Wu et al. 2016, Eq. 14). Default power. */
  lengthFormula?: LengthFormula;
  /**
   * Tokens of a hypothesis at most, prefix and end token included: max_new_tokens of transformers; max-len-b of fairseq,
   * which leaves the end token out, is one less. Default 200.
   */
  maxTokens?: number;
  /** Tokens more for each token of the source (max-len-a of fairseq), rounded down. Default 0. */
  maxTokensPerSource?: number;
  /** Tokens of a hypothesis before its end token, at least. Default 0. */
  minTokens?: number;
  /** Default `end-token`. */
  atLimit?: AtLimit;
  /** Default fairseq. */
  stopping?: Stopping;
  /** Tokens that end a hypothesis; the first is the one that `atLimit` takes. Default: the model's. */
  endTokens?: readonly number[];
  /** Tokens that are never chosen, such as padding or the unknown token. Default: none. */
  suppressTokens?: readonly number[];
  /** No n tokens in a row occur twice in prompt and hypothesis. Default 0: they may. */
  noRepeatNgram?: number;
  /**
   * Log-probabilities of tokens of prompt and hypothesis are multiplied by it (transformers' in beam search, after the
   * softmax). Default 1.
   */
  repetitionPenalty?: number;
}

/** All options, those of the model filled in. */
export type SearchSettings = Required<BeamSearchOptions>;

/** Options with their defaults. Throws UserError for one that is out of range. */
export function searchSettings(
  options: BeamSearchOptions,
  { vocab, endTokens: own = [] }: { vocab: number; endTokens?: readonly number[] },
): SearchSettings {
  const settings: SearchSettings = {
    beam: options.beam ?? 5,
    nbest: options.nbest ?? 1,
    lengthPenalty: options.lengthPenalty ?? 1,
    lengthFormula: options.lengthFormula ?? 'power',
    maxTokens: options.maxTokens ?? 200,
    maxTokensPerSource: options.maxTokensPerSource ?? 0,
    minTokens: options.minTokens ?? 0,
    atLimit: options.atLimit ?? 'end-token',
    stopping: options.stopping ?? 'fairseq',
    endTokens: [...new Set(options.endTokens ?? own)],
    suppressTokens: [...new Set(options.suppressTokens ?? [])],
    noRepeatNgram: options.noRepeatNgram ?? 0,
    repetitionPenalty: options.repetitionPenalty ?? 1,
  };
  checkSettings(settings, vocab);
  return settings;
}

function checkSettings(settings: SearchSettings, vocab: number): void {
  const fail = (name: keyof SearchSettings, expected: string): never => {
    throw new UserError(`beam search: ${name} is ${settings[name]}; expected ${expected}`);
  };
  const { beam, nbest, maxTokens, minTokens, endTokens, suppressTokens } = settings;
  const whole = (value: number, least: number) => Number.isInteger(value) && value >= least;
  if (!whole(beam, 1)) fail('beam', 'a whole number of at least 1');
  if (!whole(nbest, 1) || nbest > beam) fail('nbest', `a whole number from 1 to beam, which is ${beam}`);
  if (!Number.isFinite(settings.lengthPenalty)) fail('lengthPenalty', 'a number');
  if (!whole(maxTokens, 1)) fail('maxTokens', 'a whole number of at least 1');
  const perSource = settings.maxTokensPerSource;
  if (!(perSource >= 0 && perSource < Infinity)) fail('maxTokensPerSource', 'a number of at least 0');
  if (!whole(minTokens, 0)) fail('minTokens', 'a whole number of at least 0');
  if (!whole(settings.noRepeatNgram, 0)) fail('noRepeatNgram', 'a whole number of at least 0');
  const penalty = settings.repetitionPenalty;
  if (!(penalty > 0 && penalty < Infinity)) fail('repetitionPenalty', 'a number above 0');
  const known = (id: number) => whole(id, 0) && id < vocab;
  if (!endTokens.every(known)) fail('endTokens', `token ids below ${vocab}`);
  if (!suppressTokens.every(known)) fail('suppressTokens', `token ids below ${vocab}`);
  if (endTokens.length === 0 && settings.atLimit !== 'cut') {
    throw new UserError('beam search: the model has no token that ends a text', {
      hint: "Give endTokens, or atLimit: 'cut'.",
    });
  }
}
