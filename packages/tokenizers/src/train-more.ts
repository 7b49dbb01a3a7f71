/** Runs `tokenizer/train` for subword-nmt and SentencePiece. */
import { UserError } from '@t2r/core';
import { FAIRSEQ_SPECIAL } from './fairseq-dict.js';
import { resolveOptions, type TrainSentencePieceOptions } from './sentencepiece/training/options.js';
import { specialPieces } from './sentencepiece/training/special-pieces.js';
import { trainSentencePiece } from './sentencepiece/training/train-sentencepiece.js';
import { trainSubwordNmt } from './subword-nmt/train.js';
import type { Documents } from './train.js';
import { type MoreOptions, moreOptions, SUBWORD_NMT } from './train-options.js';
import type { Tokenizer } from './types.js';

/** Algorithms that this file runs. */
export type MoreAlgorithm = 'subword-nmt' | 'sentencepiece-bpe' | 'sentencepiece-unigram';

export interface TrainMoreOptions extends MoreOptions {
  /** Needed, but for subword-nmt with `merges`. */
  vocab?: number;
  minFrequency?: number;
  specialTokens: readonly string[];
  lineEnds: boolean;
}

export interface TrainMoreContext {
  seed: number;
  signal: AbortSignal;
  onProgress: NonNullable<TrainSentencePieceOptions['onProgress']>;
}

/**
 * Entries that are there whatever the text.
 * @throws UserError when special symbols or their ids clash.
 */
export function fixedEntries(algorithm: MoreAlgorithm, options: TrainMoreOptions): number {
  if (algorithm === 'subword-nmt') return new Set([...FAIRSEQ_SPECIAL, ...options.specialTokens]).size;
  return explained(() => specialPieces(resolveOptions(sentencePieceOptions(algorithm, options))).size);
}

/** @throws UserError when the vocabulary is too small for the text, or there is none. */
export async function trainMore(
  documents: Documents,
  algorithm: MoreAlgorithm,
  options: TrainMoreOptions,
  { seed, signal, onProgress }: TrainMoreContext,
): Promise<Tokenizer> {
  const { vocab, merges, minFrequency, specialTokens, lineEnds: endOfLine, moses } = options;
  try {
    return algorithm === 'subword-nmt'
      ? await trainSubwordNmt(documents, { vocab, merges, minFrequency, specialTokens, endOfLine, moses, signal })
      : await trainSentencePiece(documents, { ...sentencePieceOptions(algorithm, options), seed, signal, onProgress });
  } catch (error) {
    return explained(() => {
      throw error;
    });
  }
}

function sentencePieceOptions(algorithm: MoreAlgorithm, options: TrainMoreOptions): TrainSentencePieceOptions {
  const { vocab = 0, specialTokens } = options;
  const given = Object.keys(moreOptions).filter(
    (name) => !SUBWORD_NMT.has(name) && options[name as keyof MoreOptions] !== undefined,
  );
  return {
    ...Object.fromEntries(given.map((name) => [name, options[name as keyof MoreOptions]])),
    model: algorithm === 'sentencepiece-bpe' ? 'bpe' : 'unigram',
    vocab,
    userDefinedSymbols: [...new Set(specialTokens)],
  };
}

/** Mistakes in sizes and symbols are the user's. */
function explained<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UserError(`the tokenizer cannot be trained: ${error.message}`, {
      hint: 'change `vocab`, the symbols or the text it is learned from',
      cause: error,
    });
  }
}
