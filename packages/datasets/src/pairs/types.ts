/** Parallel text as ids on disk, and how it is read. */
import type { TokensSplit } from '../types.js';

/**
 * Data of a `pairs` artifact. Files hold the ids of sentences alone; what stands before and after them is added in batches:
 * source `[start] x [end]`, target input `start y`, target output `y end`.
 */
export interface PairsData {
  source: PairsSide & { start?: number; end?: number };
  target: PairsSide & { start: number; end: number };
  splits: Record<string, PairsSplit>;
}

export interface PairsSide {
  /** Name of the language. */
  language: string;
  vocab: number;
  /** Perplexity's unit, from the tokenizer. */
  unit: string;
  /** Id that fills rows up; it may occur in text as well, so masks tell what counts. */
  pad: number;
}

export interface PairsSplit {
  pairs: number;
  source: PairsFile;
  target: PairsFile;
  /** File name: for each pair the number of its line in the text, from 0, as uint32. */
  lines: string;
}

export interface PairsFile {
  /** File name in the artifact's folder: ids of all sentences, one after the other. */
  file: string;
  dtype: TokensSplit['dtype'];
  /** Ids in the file. */
  tokens: number;
  /** File name: where each sentence begins, and where the last one ends, [pairs + 1] as float64. */
  offsets: string;
  /** Ids of the longest sentence. */
  longest: number;
}

/** Random access to one split's sentences without loading them. */
export interface PairReader {
  readonly pairs: number;
  /** Ids of each sentence, without what batches add; both [pairs]. */
  readonly sourceLengths: Lengths;
  readonly targetLengths: Lengths;
  /** Copies the ids of a sentence into `out` at `offset`. */
  readSource(pair: number, out: Int32Array, offset: number): void;
  readTarget(pair: number, out: Int32Array, offset: number): void;
  /** Number of a pair's line in the text it was made from, from 0. */
  line(pair: number): number;
  close(): void;
}

export type Lengths = Uint16Array | Uint32Array;

/** What planned pairs tell the steps after them; sizes are absent where they are not known yet. */
export interface PlannedPairs {
  splits?: string[];
  sourceVocab?: number;
  targetVocab?: number;
}
