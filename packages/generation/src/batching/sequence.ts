/** One sequence of a batch: what it has been asked for, and what it makes of logits. */
import { TextStream, type Tokenizer } from '@t2r/tokenizers';
import type { GeneratedToken, StopReason } from '../generate.js';
import { rankIds } from '../ranking.js';
import { createSampler, logProbability, type SamplingOptions } from '../sampling.js';
import type { StateSnapshot } from '../snapshot/snapshot.js';
import { createStopFilter, type StopFilter } from '../stop.js';
import { createTokenQueue, type TokenQueue } from './token-queue.js';

export interface SequenceOptions extends SamplingOptions {
  /** New tokens at most; 0 only reads the prompt. Default 256. */
  maxTokens?: number;
  /** Ids that end the text and are not part of it. Default: the tokenizer's end-of-text token, if it has one. */
  stopTokens?: readonly number[];
  /** Strings that end the text; neither they nor what follows is part of it. */
  stopStrings?: readonly string[];
  /** Hand out log-probabilities, with those of so many likeliest tokens. Default: none. */
  topLogProbs?: number;
  /** Hand out the tokens of the prompt too, with their log-probabilities. It is read token by token then. Default false. */
  scorePrompt?: boolean;
  /** Hand back the state at the end. Default false. */
  keepState?: boolean;
}

export interface TokenLogProb {
  id: number;
  logProb: number;
}

export interface SequenceToken extends GeneratedToken {
  /** Text that has become certain with it; may be empty, or of several tokens. */
  text: string;
  /** With `topLogProbs`: the likeliest tokens, the first one first. */
  top?: TokenLogProb[];
  /** A token of the prompt (`scorePrompt`); its first one has no log-probability. */
  ofPrompt?: boolean;
}

export interface SequenceEnd {
  reason: StopReason;
  /** Text that was held back until the end. */
  text: string;
  /** With `keepState`: the state, with what is not in it yet. */
  state?: StateSnapshot;
}

/** What whoever asked for a sequence holds of it. Leaving its loop early cancels it. */
export interface BatchSequence extends AsyncIterable<SequenceToken> {
  /** Resolves at the end. A sequence whose tokens nobody reads waits once it is `ahead` tokens ahead. */
  readonly end: Promise<SequenceEnd>;
  /** Frees its row; the loop ends with an error. */
  cancel(): void;
}

export interface SequenceContext {
  vocab: number;
  maxPositions: number;
  tokenizer?: Tokenizer;
  /** Ids that the sequence begins with, those pending from a state among them. */
  prompt: readonly number[];
  /** Called when its reader has taken a token, and when it is cancelled. */
  onChange: () => void;
}

/** The likeliest `count` tokens with their log-probabilities. */
function likeliest(logits: Float32Array, count: number): TokenLogProb[] {
  const { rank } = rankIds(Float64Array.from(logits), new Uint32Array(logits.length));
  return Array.from({ length: Math.min(count, logits.length) }, (_, i) => {
    const id = rank(i);
    return { id, logProb: logProbability(logits, id) };
  });
}

/** The scheduler's side of a sequence. */
export class Sequence {
  readonly queue: TokenQueue<SequenceToken, SequenceEnd>;
  cancelled = false;
  /** The id to feed next. */
  next = 0;
  /** Why it ended, once it has; `pending` are ids that are not in the state then. */
  ended?: { reason: StopReason; pending: number[]; text: string };
  readonly #sampler;
  readonly #stream: TextStream | undefined;
  readonly #filter: StopFilter;
  readonly #seen: Set<number> | undefined;
  readonly #stopTokens: Set<number>;
  #made = 0;
  #scored = 0;

  constructor(
    readonly options: SequenceOptions,
    readonly context: SequenceContext,
  ) {
    const { vocab, tokenizer, prompt, onChange } = context;
    const { stopTokens, stopStrings = [], repetitionPenalty = 1 } = options;
    this.#sampler = createSampler(vocab, options);
    this.#stream = tokenizer && new TextStream(tokenizer);
    this.#filter = createStopFilter(stopStrings);
    this.#stopTokens = new Set(stopTokens ?? (tokenizer?.endOfText === undefined ? [] : [tokenizer.endOfText]));
    this.#seen = repetitionPenalty === 1 ? undefined : new Set(prompt);
    // What joins the first new token to the prompt (a space between words) depends on the prompt.
    for (const id of prompt) this.#stream?.push(id);
    this.queue = createTokenQueue(onChange, () => this.cancel());
  }

  get maxTokens(): number {
    return this.options.maxTokens ?? 256;
  }

  cancel(): void {
    if (this.cancelled || this.ended) return;
    this.cancelled = true;
    this.queue.fail(new Error('the sequence was cancelled'));
    this.context.onChange();
  }

  /** With `scorePrompt`: the first token of the prompt, which nothing precedes. */
  beginPrompt(position: number): void {
    this.next = this.context.prompt[this.#scored++]!;
    this.queue.push({ id: this.next, position, text: '', ofPrompt: true });
  }

  /** Takes the next token from logits; `position` is its place. Sets `next`, or `ended`. */
  accept(logits: Float32Array, position: number): void {
    const { prompt, maxPositions } = this.context;
    if (this.options.scorePrompt && this.#scored < prompt.length) {
      this.next = prompt[this.#scored++]!;
      this.queue.push({ ...this.#figures(logits, this.next), id: this.next, position, text: '', ofPrompt: true });
      if (this.#scored === prompt.length && this.maxTokens === 0) this.#finish('max-tokens', [this.next]);
      return;
    }
    const id = this.#sampler.sample(logits, position, this.#seen);
    if (this.#stopTokens.has(id)) {
      this.#finish('stop-token', []);
      return;
    }
    this.next = id;
    this.#made++;
    this.#seen?.add(id);
    const { text, stopped } = this.#filter.push(this.#stream?.push(id) ?? '');
    this.queue.push({ ...this.#figures(logits, id), id, position, text });
    if (stopped) this.#finish('stop-string', [id], true);
    else if (this.#made >= this.maxTokens) this.#finish('max-tokens', [id]);
    else if (position >= maxPositions) this.#finish('max-positions', [id]);
  }

  /** Ends a sequence that only read its prompt. */
  endAfterPrompt(): void {
    this.#finish('max-tokens', this.context.prompt.slice(-1));
  }

  #figures(logits: Float32Array, id: number): Pick<SequenceToken, 'logProb' | 'top'> {
    const { topLogProbs } = this.options;
    if (topLogProbs === undefined) return {};
    return { logProb: logProbability(logits, id), top: likeliest(logits, topLogProbs) };
  }

  #finish(reason: StopReason, pending: number[], stopped = false): void {
    let text = '';
    if (!stopped) {
      const last = this.#filter.push(this.#stream?.end() ?? '');
      text = last.stopped ? last.text : last.text + this.#filter.flush();
      if (last.stopped) this.ended = { reason: 'stop-string', pending, text };
    }
    this.ended ??= { reason, pending, text };
  }
}
