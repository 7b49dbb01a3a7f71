/** From a request to sequences of the scheduler. */
import { randomInt, randomUUID } from 'node:crypto';
import { UserError } from '@t2r/core';
import type { BatchSequence, Scheduler, SequenceOptions, StateSnapshot } from '@t2r/generation';
import type { Tokenizer } from '@t2r/tokenizers';
import { ApiError } from './api-error.js';
import { createLogprobs, type Logprobs } from './logprobs.js';
import type { ServerLimits } from './options.js';
import { type CompletionRequest, checkLimits, promptsOf } from './request.js';
import type { StateStore } from './states.js';

/** One text of an answer. */
export interface Choice {
  index: number;
  sequence: BatchSequence;
  /** Text before the first new token: the prompt, with `echo`. */
  echo: string;
  logprobs?: (tokens: Parameters<ReturnType<typeof createLogprobs>>[0]) => Logprobs;
}

export interface Completion {
  id: string;
  /** Seconds since 1970. */
  created: number;
  model: string;
  choices: Choice[];
  promptTokens: number;
}

export interface CompletionContext {
  scheduler: Scheduler;
  tokenizer: Tokenizer;
  model: string;
  limits: ServerLimits;
  states: StateStore;
  now: () => number;
}

/** Half of a pair of UTF-16 units becomes U+FFFD, as in any UTF-8. */
const wellFormed = (text: string) => Buffer.from(text, 'utf8').toString('utf8');

const toApiError = (error: unknown, param: string) =>
  error instanceof UserError ? new ApiError(400, error.message, { param }) : error;

/** Refuses what the queue has no room for. */
function checkRoom(scheduler: Scheduler, { queue, concurrency }: ServerLimits, added: number): void {
  const { active, waiting, parked } = scheduler.figures();
  const free = scheduler.batch - active;
  if (waiting + added - free > queue || active + waiting + parked + added > concurrency) {
    throw new ApiError(429, 'the server is busy; try again', { code: 'server_busy', retryAfter: 1 });
  }
}

function findState(states: StateStore, id: string | null | undefined): StateSnapshot | undefined {
  if (id === undefined || id === null) return undefined;
  const found = states.find(id);
  if (found) return found;
  throw new ApiError(404, `state_id: there is no state ${id}; states expire`, { param: 'state_id', code: 'not_found' });
}

/** Begins the sequences of a request. Throws ApiError. */
export function beginCompletion(
  request: CompletionRequest,
  { scheduler, tokenizer, model, limits, states, now }: CompletionContext,
): Completion {
  if (request.model != null && request.model !== model) {
    const code = 'model_not_found';
    throw new ApiError(404, `the model '${request.model}' does not exist; this is '${model}'`, {
      param: 'model',
      code,
    });
  }
  checkLimits(request, limits);
  const from = findState(states, request.state_id);
  const prompts = promptsOf(request).map((given) => {
    const ids = typeof given === 'string' ? tokenizer.encode(wellFormed(given)) : given;
    if (ids.length > limits.promptTokens)
      throw new ApiError(400, `prompt: ${ids.length} tokens; at most ${limits.promptTokens}`, { param: 'prompt' });
    return { given, ids };
  });
  const n = request.n ?? 1;
  checkRoom(scheduler, limits, prompts.length * n);
  const seed = request.seed ?? randomInt(2 ** 31);
  const optionsOf = (choice: number): SequenceOptions => ({
    maxTokens: request.max_tokens ?? 16,
    temperature: request.temperature ?? 1,
    topP: request.top_p ?? 1,
    topK: request.top_k ?? undefined,
    repetitionPenalty: request.repetition_penalty ?? 1,
    seed: seed + choice,
    stopStrings: request.stop == null ? [] : [request.stop].flat(),
    stopTokens: request.ignore_eos ? [] : undefined,
    topLogProbs: request.logprobs ?? undefined,
    scorePrompt: request.echo === true && request.logprobs != null,
    keepState: request.save_state ?? false,
  });
  const choices: Choice[] = [];
  let promptTokens = 0;
  try {
    for (const { given, ids } of prompts) {
      const options = Array.from({ length: n }, (_, choice) => optionsOf(choice));
      const sequences = scheduler.submit({ prompt: ids, from, choices: options });
      promptTokens += ids.length;
      const echo = request.echo ? (typeof given === 'string' ? given : tokenizer.decode(ids)) : '';
      for (const sequence of sequences) {
        const { logprobs } = request;
        choices.push({
          index: choices.length,
          sequence,
          echo,
          ...(logprobs != null && { logprobs: createLogprobs(tokenizer, logprobs) }),
        });
      }
    }
  } catch (error) {
    for (const { sequence } of choices) sequence.cancel();
    throw toApiError(error, 'prompt');
  }
  return { id: `cmpl-${randomUUID()}`, created: Math.floor(now() / 1000), model, choices, promptTokens };
}
