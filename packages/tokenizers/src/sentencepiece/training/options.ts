/** Options of SentencePiece training; names and defaults follow its own flags where it has them. */
import type { NormalizationName } from '../nfkc-rules.js';

export interface TrainSentencePieceOptions {
  model: 'unigram' | 'bpe';
  /** Size of the vocabulary, special pieces and bytes included. Smaller where the text gives too few pieces. */
  vocab: number;
  /** Share of the text whose characters get pieces, the most frequent first. Default 0.9995. */
  characterCoverage?: number;
  /** Default nmt_nfkc. */
  normalization?: NormalizationName;
  /** Puts a space before the text. Default true. */
  addDummyPrefix?: boolean;
  /** Drops leading, trailing and repeated spaces. Default true. */
  removeExtraWhitespaces?: boolean;
  /** Writes characters without a piece as their UTF-8 bytes instead of the unknown piece. Default false. */
  byteFallback?: boolean;
  /** Makes every digit a piece of its own. Default false. */
  splitDigits?: boolean;
  /** Keeps numbers apart from letters. Default true. */
  splitByNumber?: boolean;
  /** Keeps letters of different scripts apart. Default true. */
  splitByUnicodeScript?: boolean;
  /** Keeps pieces from crossing spaces. Default true. */
  splitByWhitespace?: boolean;
  /** Longest piece, in characters. Default 16. */
  maxPieceLength?: number;
  /** Symbols that never stand in text and are only ever inserted by id. Default none. */
  controlSymbols?: readonly string[];
  /** Symbols that are one piece wherever they stand in a text. Default none. */
  userDefinedSymbols?: readonly string[];
  /** Ids of `<unk>`, `<s>`, `</s>` and `<pad>`; -1 leaves one out. Default 0, 1, 2, -1. */
  specialIds?: Partial<SpecialIds>;
  /** Lines to train on, drawn evenly from all where there are more; 0 takes all. Default 1,000,000. */
  sentences?: number;
  /** Seed of the draw. Default 1. */
  seed?: number;
  /** Candidates that unigram training starts from. Default 1,000,000. */
  seedPieces?: number;
  /** Share of pieces that unigram training keeps in each round. Default 0.75. */
  shrinkingFactor?: number;
  signal?: AbortSignal;
  /** Called now and then with what has been done of a stage. */
  onProgress?: (stage: string, done: number, total?: number) => void;
}

export interface SpecialIds {
  unk: number;
  bos: number;
  eos: number;
  pad: number;
}

export type ResolvedOptions = Required<Omit<TrainSentencePieceOptions, 'signal' | 'specialIds'>> & {
  specialIds: SpecialIds;
  signal?: AbortSignal;
};

export function resolveOptions(options: TrainSentencePieceOptions): ResolvedOptions {
  return {
    characterCoverage: 0.9995,
    normalization: 'nmt_nfkc',
    addDummyPrefix: true,
    removeExtraWhitespaces: true,
    byteFallback: false,
    splitDigits: false,
    splitByNumber: true,
    splitByUnicodeScript: true,
    splitByWhitespace: true,
    maxPieceLength: 16,
    controlSymbols: [],
    userDefinedSymbols: [],
    sentences: 1_000_000,
    seed: 1,
    seedPieces: 1_000_000,
    shrinkingFactor: 0.75,
    onProgress: () => undefined,
    ...options,
    specialIds: { unk: 0, bos: 1, eos: 2, pad: -1, ...options.specialIds },
  };
}
