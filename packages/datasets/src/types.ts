/** Text corpora and token blocks. */

/** One document of a split, streamed. */
export interface TextDocument {
  name: string;
  /** Decoded text in pieces; a piece never splits a code point. */
  text(): AsyncIterable<string>;
}

/** Data of a `corpus` artifact: where the text of each split lies. */
export interface CorpusData {
  splits: Record<string, { files: { path: string; sha256: string; bytes: number }[] }>;
}

/** Data of a `tokens` artifact: one little-endian typed-array file a split, in the artifact's folder. */
export interface TokensData {
  vocab: number;
  /** Perplexity's unit, from the tokenizer. */
  unit: string;
  splits: Record<
    string,
    { file: string; dtype: 'uint16' | 'uint32'; tokens: number; bytes: number; documents: number }
  >;
}

/** Random access to one split's ids without loading the file whole. */
export interface TokenReader {
  readonly length: number;
  /** Copies ids [start, start + count) into `out` at `offset`. */
  read(start: number, count: number, out: Int32Array, offset?: number): void;
  close(): void;
}
