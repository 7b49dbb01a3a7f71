/** Encodes the pairs of one split, and keeps count of what is left out and what has no entry. */
import { UserError } from '@t2r/core';
import type { BitextSplit, Tokenizer } from '@t2r/tokenizers';
import { zipLines } from '../bitext/pairs.js';
import { count } from '../bitext/read-split.js';
import { type CleanOptions, type CleanReason, cleanReason } from '../prepare/clean.js';
import type { EncodedPair } from './pair-files.js';

export const TOO_LONG = ['skip', 'truncate', 'error'] as const;

export interface EncodeSide {
  tokenizer: Tokenizer;
  /** Most ids of a sentence, without what batches add. */
  most: number;
  /** Ids that stand for text without an entry. */
  unknown?: number;
  /** How often each id has been seen, [vocab]; counted where it is given. */
  seen?: Uint32Array;
  counts: { tokens: number; unknown: number };
}

export interface EncodeSplitOptions {
  source: EncodeSide;
  target: EncodeSide;
  tooLong: (typeof TOO_LONG)[number];
  /** Which pairs stay, by their numbers of ids. */
  clean?: CleanOptions;
  /** Keeps pairs without any text: those of test sets. */
  keepEmpty: boolean;
  counts: EncodeCounts;
  onProgress?: (pairs: number) => void;
  signal?: AbortSignal;
}

export interface EncodeCounts {
  filtered: Partial<Record<CleanReason | 'empty' | 'tooLong', number>>;
  truncated: number;
}

/**
 * Ids of the pairs of a split, in order.
 * @throws UserError at a sentence that is too long, where that is asked for.
 */
export async function* encodeSplit(split: BitextSplit, options: EncodeSplitOptions): AsyncGenerator<EncodedPair> {
  const { source, target, tooLong, clean, keepEmpty, counts, onProgress, signal } = options;
  let line = 0;
  for await (const pairs of zipLines(split.source.path, split.target.path)) {
    signal?.throwIfAborted();
    for (const pair of pairs) {
      const number = line++;
      let a = source.tokenizer.encode(pair.source as string);
      let b = target.tokenizer.encode(pair.target as string);
      if ((a.length === 0 || b.length === 0) && !keepEmpty) {
        count(counts.filtered, 'empty');
        continue;
      }
      const reason = clean && cleanReason(a.length, b.length, clean);
      if (reason !== undefined) {
        count(counts.filtered, reason);
        continue;
      }
      if (a.length > source.most || b.length > target.most) {
        if (tooLong === 'error') throw tooLongError(split, number + 1, a.length, b.length, options);
        if (tooLong === 'skip') {
          count(counts.filtered, 'tooLong');
          continue;
        }
        counts.truncated++;
        a = a.subarray(0, source.most);
        b = b.subarray(0, target.most);
      }
      tally(a, source);
      tally(b, target);
      yield { source: a, target: b, line: number };
    }
    onProgress?.(line);
  }
}

function tally(ids: Int32Array, { unknown, seen, counts }: EncodeSide): void {
  counts.tokens += ids.length;
  for (const id of ids) {
    if (id === unknown) counts.unknown++;
    if (seen !== undefined) seen[id]!++;
  }
}

function tooLongError(split: BitextSplit, line: number, a: number, b: number, { source, target }: EncodeSplitOptions) {
  const side = a > source.most ? 'source' : 'target';
  const [length, most] = side === 'source' ? [a, source.most] : [b, target.most];
  const file = split[side].path;
  return new UserError(`${file}:${line}: the sentence has ${length} tokens, more than ${most}`, {
    location: { file, line },
    hint: 'set tooLong to skip or truncate, or raise `maxTokens`',
  });
}
