/** The decoding loop: from a prompt's ids to a stream of new ids. */
import { UserError } from '@t2r/core';
import type { TextGenerator } from './generator.js';
import { createSampler, logProbability, type SamplingOptions } from './sampling.js';
import type { StateSnapshot } from './snapshot/snapshot.js';

/** One new token. */
export interface GeneratedToken {
  id: number;
  /** Its place in the text, counted from the first token of the prompt. */
  position: number;
  /** With `logProbs`: natural log of its probability under the model itself: temperature 1, nothing filtered. */
  logProb?: number;
}

/** Why a generation ended; `max-positions`: the model has no further (learned) position. */
export type StopReason = 'stop-token' | 'stop-string' | 'max-tokens' | 'max-positions';

export interface GenerateOptions extends SamplingOptions {
  /** New tokens at most; Infinity goes on until stopped. Default 256. */
  maxTokens?: number;
  /** Ids that end the text; the id itself is not yielded. Default: the tokenizer's end-of-text token, if it has one. */
  stopTokens?: readonly number[];
  /** Yield the log-probability of each token too. Default false. */
  logProbs?: boolean;
  /** A state to go on from instead of starting anew; the prompt follows it. Default: none. */
  from?: StateSnapshot;
  /** Ends the generation with the signal's reason as the error. */
  signal?: AbortSignal;
}

/**
 * Prefills the prompt and yields one token after another; see `TextGenerator.generate`. Throws UserError for an empty
 * prompt without an end-of-text token to begin with, for a prompt longer than the model's positions, and for a state that
 * does not fit the model.
 */
export async function* generateTokens(
  generator: TextGenerator,
  promptIds: ArrayLike<number>,
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, StopReason> {
  if (generator.batch !== 1) throw new RangeError(`generate is for a batch of 1, not of ${generator.batch}`);
  const { maxTokens = 256, logProbs = false, from, signal, ...sampling } = options;
  const { endOfText } = generator.tokenizer ?? {};
  const stopTokens = new Set(options.stopTokens ?? (endOfText === undefined ? [] : [endOfText]));
  const sampler = createSampler(generator.model.config.vocab, sampling);
  const given = from?.pending ? [...from.pending, ...Array.from(promptIds)] : promptIds;
  const prompt = given.length > 0 ? given : startOfText(endOfText);
  // Only the repetition penalty looks back; the set never outgrows the vocabulary.
  const seen = (sampling.repetitionPenalty ?? 1) === 1 ? undefined : new Set(Array.from(prompt));

  if (from === undefined) generator.reset();
  else await generator.restore(from);
  let logits = await generator.prefill(prompt);
  for (let made = 0; made < maxTokens; made++) {
    signal?.throwIfAborted();
    const { position } = generator;
    const id = sampler.sample(logits, position, seen);
    if (stopTokens.has(id)) return 'stop-token';
    yield logProbs ? { id, position, logProb: logProbability(logits, id) } : { id, position };
    seen?.add(id);
    if (made + 1 === maxTokens) break;
    if (position >= generator.maxPositions) return 'max-positions';
    logits = await generator.next(id);
  }
  return 'max-tokens';
}

/** What stands for an empty prompt: training texts are joined by the end-of-text token, so it begins one. */
function startOfText(endOfText: number | undefined): number[] {
  if (endOfText === undefined)
    throw new UserError('the prompt is empty, and the tokenizer has no end-of-text token to begin a text with', {
      hint: 'Give a prompt of at least one token.',
    });
  return [endOfText];
}
