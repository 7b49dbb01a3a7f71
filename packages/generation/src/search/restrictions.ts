/** What a hypothesis may not go on with, and what counts less, as inputs [rows, vocab] of the step program. */
import type { SentenceSearch } from './sentence.js';

/** Tokens that would complete an n-gram which the sequence already holds. */
export function repeatedNgrams(ids: readonly number[], n: number): number[] {
  const found: number[] = [];
  const last = ids.length - n + 1;
  for (let start = 0; start < last; start++) {
    let i = 0;
    while (i < n - 1 && ids[start + i] === ids[last + i]) i++;
    if (i === n - 1) found.push(ids[start + n - 1]!);
  }
  return found;
}

export interface Restrictions {
  /** The inputs `bans` and `factors` of the next step, by place, where they are needed; buffers that are used again. */
  inputs(sentences: readonly (SentenceSearch | undefined)[]): Record<string, Float32Array>;
}

/** A [rows, vocab] buffer in which only few numbers differ from a value that fills it. */
class SparseRows {
  readonly data: Float32Array;
  readonly #usual: number;
  #set: number[] = [];

  constructor(size: number, usual: number) {
    this.data = new Float32Array(size).fill(usual);
    this.#usual = usual;
  }

  clear(): void {
    for (const at of this.#set) this.data[at] = this.#usual;
    this.#set = [];
  }

  set(at: number, value: number): void {
    this.data[at] = value;
    this.#set.push(at);
  }
}

export interface RestrictionOptions {
  sentences: number;
  beam: number;
  vocab: number;
  noRepeatNgram: number;
  repetitionPenalty: number;
}

/** Restrictions for a number of sentences; `noRepeatNgram` 0 and `repetitionPenalty` 1 need no input. */
export function createRestrictions(options: RestrictionOptions): Restrictions {
  const { sentences: capacity, beam, vocab, noRepeatNgram, repetitionPenalty } = options;
  const size = capacity * beam * vocab;
  const bans = noRepeatNgram > 0 ? new SparseRows(size, 0) : undefined;
  const factors = repetitionPenalty === 1 ? undefined : new SparseRows(size, 1);
  return {
    inputs(sentences) {
      if (bans === undefined && factors === undefined) return {};
      bans?.clear();
      factors?.clear();
      for (const [s, sentence] of sentences.entries()) {
        for (const { row, ids } of sentence?.histories() ?? []) {
          const start = (s * beam + row) * vocab;
          for (const id of bans ? repeatedNgrams(ids, noRepeatNgram) : []) bans!.set(start + id, -Infinity);
          for (const id of factors ? new Set(ids) : []) factors!.set(start + id, repetitionPenalty);
        }
      }
      return { ...(bans && { bans: bans.data }), ...(factors && { factors: factors.data }) };
    },
  };
}
