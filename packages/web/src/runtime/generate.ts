/** The decoding loop: from a prompt to a stream of tokens. */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';
import { createSampler, logProbability } from '@t2r/generation/portable';
import { TextStream, type Tokenizer } from '@t2r/tokenizers/portable';
import type { GeneratedToken, GenerateOptions, GenerationEnd, StopReason } from '../types.js';
import { pause } from './pause.js';
import { positionLimit } from './position-limit.js';
import { feed } from './prompt.js';
import type { DecoderSession } from './session.js';
import type { LocalState } from './state.js';

/** Milliseconds after which the loop gives way to messages. */
const SLICE_MS = 50;

export interface LoopOptions {
  manifest: LanguageManifest;
  session: DecoderSession;
  tokenizer: Tokenizer | undefined;
  state: LocalState;
  /** May be empty where the state has tokens that are not fed. */
  promptIds: readonly number[];
  options: Omit<GenerateOptions, 'state'>;
}

/** See `Model.generate`. */
export async function* generateTokens(loop: LoopOptions): AsyncGenerator<GeneratedToken, GenerationEnd> {
  const { manifest, session, tokenizer, state, promptIds, options } = loop;
  const { maxTokens = 256, stopTokens, logProbs = false, signal, onPrompt, ...sampling } = options;
  const { end_of_text: endOfText, vocab, prefill } = manifest;
  const sampler = createSampler(vocab, sampling);
  const stops = new Set(stopTokens ?? (endOfText === null ? [] : [endOfText]));
  const limit = positionLimit(manifest);
  const stream = tokenizer === undefined ? undefined : new TextStream(tokenizer);
  const end = (reason: StopReason): GenerationEnd => ({ reason, text: stream?.end() ?? '' });

  state.begin();
  try {
    checkIds(promptIds, vocab);
    const begins = state.position === 0 && state.pending.length === 0;
    const fresh = promptIds.length === 0 && begins ? [startOfText(endOfText)] : promptIds;
    const ids = [...state.pending, ...fresh];
    checkRoom(ids.length, state.position, limit, manifest);
    // Only the repetition penalty looks back; the set never outgrows the vocabulary.
    const seen = (sampling.repetitionPenalty ?? 1) === 1 ? undefined : new Set([...state.ids, ...ids]);

    let start = performance.now();
    let paused = start;
    // Read only: as in Node, the last token stays pending, so that a text can go on with another prompt or without one.
    const pending = maxTokens === 0 ? ids.slice(-1) : [];
    const fed = ids.slice(0, ids.length - pending.length);
    const chunk = prefill.chunk;
    const read = await feed({ session, ids: fed, from: state.tensors, chunk, limit, signal, onRead: onPrompt });
    if (read === 'stopped') return end('stopped');
    state.append(fresh);
    if (read !== undefined) state.advance(read.state, pending);
    if (maxTokens === 0 || read === undefined) return end('max-tokens');
    let { logits } = read;
    for (let made = 0; made < maxTokens; made++) {
      if (signal?.aborted) return end('stopped');
      const { position } = state;
      const id = sampler.sample(logits, position, seen);
      if (stops.has(id)) return end('stop-token');
      state.append([id]);
      const now = performance.now();
      const token: GeneratedToken = { id, text: stream?.push(id) ?? '', position, ms: now - start };
      if (logProbs) token.logProb = logProbability(logits, id);
      yield token;
      seen?.add(id);
      if (made + 1 === maxTokens) break;
      if (position >= limit) return end('positions');
      if (now - paused > SLICE_MS) {
        await pause();
        paused = performance.now();
        if (signal?.aborted) return end('stopped');
      }
      start = performance.now();
      const stepped = await session.step(id, state.tensors);
      state.advance(stepped.state);
      logits = stepped.logits;
    }
    return end('max-tokens');
  } finally {
    state.end();
  }
}

function checkIds(ids: readonly number[], vocab: number): void {
  for (const id of ids)
    if (!(Number.isInteger(id) && id >= 0 && id < vocab))
      throw new UserError(`token id ${id} is outside the model's vocabulary of ${vocab}`, {
        hint: 'Encode the prompt with the tokenizer that the model was trained with.',
      });
}

/** What stands for an empty prompt: training texts are joined by the end-of-text token, so it begins one. */
function startOfText(endOfText: number | null): number {
  if (endOfText === null)
    throw new UserError('the prompt is empty, and the model has no end-of-text token to begin a text with', {
      hint: 'Type a prompt.',
    });
  return endOfText;
}

function checkRoom(count: number, position: number, limit: number, { name, capacity }: LanguageManifest): void {
  if (count === 0)
    throw new UserError('there is nothing to go on from: every token of the state has been fed', {
      hint: 'Type some text that goes on from it.',
    });
  if (position + count <= limit) return;
  const cache = limit === capacity;
  throw new UserError(
    `${position + count} tokens are too many for ${name}: ${cache ? 'its cache has room' : 'it has positions'} for ${limit}`,
    { hint: cache ? 'Shorten the prompt, or export the model with a larger --capacity.' : 'Shorten the prompt.' },
  );
}
