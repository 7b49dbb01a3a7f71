/**
 * The search of one sentence, on the host: from the best tokens of each of its rows to the rows that go on. A row of the
 * batch holds one hypothesis' state. A hypothesis that goes on in one way stays in its row; where it goes on in several, the
 * others move into rows whose own hypotheses have ended, so that only those are copied, and never from a row that changes.
 */
import { UserError } from '@t2r/core';
import { chainIds, divergence, FinishedHypotheses, type Hypothesis, type TokenNode } from './hypothesis.js';
import { type LengthPenalty, lengthPenalty } from './length-penalty.js';
import type { SearchSettings } from './options.js';

/** What is asked for: the decoder's first tokens, which are read and not chosen, and tokens that hypotheses must begin with. */
export interface SearchSource {
  /** A prompt, or the decoder's start token; at least one token. */
  prompt: ArrayLike<number>;
  /** Forced first tokens of every hypothesis; they are part of it and of its score, as in fairseq. Default: none. */
  prefix?: ArrayLike<number>;
  /** For `maxTokensPerSource`, and to batch sources of like length. Default: that of `source`, or of the prompt. */
  length?: number;
  /** What the encoder reads, for models that have one. */
  source?: ArrayLike<number>;
}

/** What the step program finds for all rows of a batch. */
export interface StepScores {
  /** Best tokens per row. */
  count: number;
  /** [rows, count], descending; of equal ones the lower id first. */
  ids: Int32Array;
  /** [rows, count] */
  logProbs: Float32Array;
  /** Log-probability of the token that a row asked for, [rows]. */
  wanted: Float32Array;
}

/** Row `to` of the batch takes over the state of row `from`; their last `tokens` positions differ. */
export interface RowCopy {
  from: number;
  to: number;
  tokens: number;
}

interface Live {
  row: number;
  logProb: number;
}

interface Candidate {
  /** Rank of the hypothesis that it goes on from. */
  rank: number;
  id: number;
  logProb: number;
}

export class SentenceSearch {
  /** Token that each row is fed next. */
  readonly tokens: Int32Array;
  readonly #source: SearchSource;
  readonly #settings: SearchSettings;
  readonly #penalty: LengthPenalty;
  readonly #limit: number;
  readonly #prompt: number[];
  /** Last token fed to each row. */
  readonly #nodes: TokenNode[];
  readonly #finished: FinishedHypotheses;
  /** Hypotheses that go on, best first. */
  #live: Live[];
  /** Position of the tokens fed next. */
  #position: number;
  #done = false;

  /** `start`: positions of the prompt that the state holds already. `maxPositions`: positions that the model has. */
  constructor(source: SearchSource, settings: SearchSettings, { start = 0, maxPositions = Infinity } = {}) {
    const { beam, maxTokens, maxTokensPerSource } = settings;
    const { prompt, source: read, length = read?.length ?? prompt.length } = source;
    this.#source = source;
    this.#settings = settings;
    this.#penalty = lengthPenalty(settings.lengthFormula, settings.lengthPenalty);
    // The last token need not be fed.
    const room = maxPositions - prompt.length + 1;
    this.#limit = Math.min(Math.floor(maxTokensPerSource * length) + maxTokens, room);
    this.#prompt = Array.from(prompt);
    this.#position = start;
    this.tokens = new Int32Array(beam).fill(this.#prompt[start]!);
    const root: TokenNode = { id: this.#prompt.at(-1)! };
    this.#nodes = new Array<TokenNode>(beam).fill(root);
    this.#live = [{ row: 0, logProb: 0 }];
    this.#finished = new FinishedHypotheses(beam);
  }

  get done(): boolean {
    return this.#done;
  }

  /** True where the next scores decide on tokens, instead of only reading the prompt. */
  get choosing(): boolean {
    return this.#position >= this.#prompt.length - 1;
  }

  /** Tokens chosen so far. */
  get #length(): number {
    return this.#position - this.#prompt.length + 1;
  }

  /** The token whose log-probability is asked of the next step: a forced one, or the end token. */
  get wanted(): number {
    const { prefix } = this.#source;
    return prefix?.[this.#length] ?? this.#settings.endTokens[0] ?? 0;
  }

  /** Rows whose next tokens are chosen from, with prompt and tokens so far of each. */
  histories(): { row: number; ids: number[] }[] {
    if (!this.choosing || this.#done) return [];
    return this.#live.map(({ row }) => ({ row, ids: [...this.#prompt, ...chainIds(this.#nodes[row]!)] }));
  }

  /** The results so far, best first. */
  results(): Hypothesis[] {
    return this.#finished.list(this.#settings.nbest);
  }

  /** Takes the scores of a step, in which this sentence has the rows from `first` on; `copies` receives what must move. */
  advance(scores: StepScores, first: number, copies: RowCopy[]): void {
    if (!this.choosing) {
      this.#position++;
      this.tokens.fill(this.#prompt[this.#position]!);
      return;
    }
    for (const { row } of this.#live) {
      if (!Number.isNaN(scores.wanted[first + row]!)) continue;
      throw new UserError(`the model's probabilities at position ${this.#position} are not finite`, {
        hint: 'The weights have probably diverged in training; look at the loss curve.',
      });
    }
    const forced = this.#source.prefix?.[this.#length];
    if (forced === undefined) this.#choose(scores, first, copies);
    else this.#force(forced, scores.wanted[first + this.#live[0]!.row]!);
    this.#position++;
  }

  /** All rows are fed the forced token, and stay alike. */
  #force(id: number, logProb: number): void {
    const [only] = this.#live as [Live];
    only.logProb += logProb;
    if (this.#length + 1 >= this.#limit) {
      this.#finish({ rank: 0, id, logProb: only.logProb }, this.#limit, 'max-tokens');
      this.#done = true;
      return;
    }
    this.#nodes.fill({ id, previous: this.#nodes[only.row]! });
    this.tokens.fill(id);
  }

  #choose(scores: StepScores, first: number, copies: RowCopy[]): void {
    const { beam, endTokens } = this.#settings;
    const length = this.#length + 1;
    const last = length >= this.#limit;
    const width = Math.max(2, 1 + endTokens.length) * beam;
    const candidates = this.#candidates(scores, first, last).sort(
      (a, b) => b.logProb - a.logProb || a.rank - b.rank || a.id - b.id,
    );
    const going: Candidate[] = [];
    for (const [i, candidate] of candidates.slice(0, width).entries()) {
      const ends = endTokens.includes(candidate.id);
      if (!ends && !last) {
        if (going.length < beam) going.push(candidate);
      } else if (i < beam) this.#finish(candidate, length, ends ? 'end-token' : 'max-tokens');
    }
    if (candidates.length === 0) this.#abandon(length - 1);
    this.#done = going.length === 0 || this.#settled(going[0]!.logProb, length);
    if (!this.#done) this.#place(going, first, copies);
  }

  /** What the hypotheses could go on with, each token of a row that is not ruled out. */
  #candidates({ count, ids, logProbs, wanted }: StepScores, first: number, last: boolean): Candidate[] {
    const { endTokens, minTokens, atLimit } = this.#settings;
    const found: Candidate[] = [];
    const early = this.#length < minTokens;
    for (const [rank, { row, logProb }] of this.#live.entries()) {
      if (last && atLimit !== 'cut') {
        const own = atLimit === 'end-token' ? wanted[first + row]! : 0;
        found.push({ rank, id: endTokens[0]!, logProb: logProb + own });
        continue;
      }
      const start = (first + row) * count;
      for (let i = start; i < start + count; i++) {
        // Banned tokens have -Infinity, and come last.
        if (logProbs[i] === -Infinity) break;
        if (early && endTokens.includes(ids[i]!)) continue;
        found.push({ rank, id: ids[i]!, logProb: logProb + logProbs[i]! });
      }
    }
    return found;
  }

  #finish({ rank, id, logProb }: Candidate, length: number, end: 'end-token' | 'max-tokens'): void {
    // fairseq's search is over with the first `beam` of them, and takes no more even in that step.
    if (this.#settings.stopping === 'fairseq' && this.#finished.full) return;
    const before = this.#nodes[this.#live[rank]!.row]!;
    const node = end === 'end-token' ? before : { id, previous: before };
    this.#finished.add(node, this.#penalty.score(logProb, length), logProb, end);
  }

  /** Nothing can follow: the hypotheses end as they are. */
  #abandon(length: number): void {
    for (const { row, logProb } of this.#live)
      this.#finished.add(this.#nodes[row]!, this.#penalty.score(logProb, Math.max(length, 1)), logProb, 'dead-end');
  }

  /** Whether the search may end although hypotheses could go on, the best of which has `best` after `length` tokens. */
  #settled(best: number, length: number): boolean {
    const { stopping, beam, nbest } = this.#settings;
    const finished = this.#finished;
    if (stopping === 'bound') {
      if (finished.count < nbest) return false;
      return this.#penalty.bound(best, length + 1, this.#limit) <= finished.scoreAt(nbest - 1);
    }
    if (!finished.full) return false;
    return stopping !== 'estimate' || this.#penalty.score(best, length) <= finished.scoreAt(beam - 1);
  }

  /** Gives each hypothesis a row, and lists the rows that must be copied. */
  #place(going: readonly Candidate[], first: number, copies: RowCopy[]): void {
    const { beam } = this.#settings;
    const parents = going.map(({ rank }) => this.#live[rank]!.row);
    const free = new Set(Array.from({ length: beam }, (_, row) => row));
    for (const row of parents) free.delete(row);
    const spare = [...free];
    const before = [...this.#nodes];
    const taken = new Set<number>();
    this.#live = going.map(({ id, logProb }, i) => {
      const from = parents[i]!;
      const row = taken.has(from) ? spare.shift()! : from;
      taken.add(row);
      if (row !== from) {
        const tokens = divergence(before[from]!, before[row]!);
        if (tokens > 0) copies.push({ from: first + from, to: first + row, tokens });
      }
      this.#nodes[row] = { id, previous: before[from]! };
      this.tokens[row] = id;
      return { row, logProb };
    });
    // Rows without a hypothesis are fed something all the same, and differ from all others from then on.
    for (const row of spare) {
      this.#nodes[row] = { id: -1, previous: before[row]! };
      this.tokens[row] = 0;
    }
  }
}
