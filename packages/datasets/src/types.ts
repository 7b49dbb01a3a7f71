/** Token files of a corpus and how they are read. */
export type { BitextData, BitextSplit, CorpusData, CorpusFile, TextSource } from '@t2r/tokenizers';

/** Data of a `tokens` artifact: one little-endian typed-array file a split, in the artifact's folder. */
export interface TokensData {
  vocab: number;
  /** Perplexity's unit, from the tokenizer. */
  unit: string;
  splits: Record<string, TokensSplit>;
}

export interface TokensSplit {
  /** File name in the artifact's folder. */
  file: string;
  dtype: 'uint16' | 'uint32';
  /** Ids in the file. */
  tokens: number;
  /** The entry whose id stands before the text, where one was asked for: context of the first token, and no part of it. */
  start?: string;
  /** UTF-8 bytes of the text the tokens stand for; separators count none. */
  bytes: number;
  documents: number;
  /** Where documents are told apart: file of their lengths in ids (uint32), and whether what ends one begins the next. */
  lengths?: { file: string; overlap: 0 | 1 };
}

/** Random access to one split's ids without loading the file whole. */
export interface TokenReader {
  readonly length: number;
  /** Copies ids [start, start + count) into `out` at `offset` (default 0). */
  read(start: number, count: number, out: Int32Array, offset?: number): void;
  close(): void;
}

/** What a planned corpus tells the steps after it. */
export interface PlannedCorpus {
  splits: string[];
}

/** What planned parallel text tells the steps after it. */
export interface PlannedBitext extends PlannedCorpus {
  /** Names of the languages. */
  source: string;
  target: string;
}

/** What planned tokens tell the steps after them; absent where it is not known yet. */
export interface PlannedTokens {
  vocab?: number;
  splits?: string[];
}
