/** What a tokenizer is, whatever its kind. */
export interface Tokenizer {
  /** 'bpe' (byte-level), 'word', or the model type of a foreign tokenizer.json in lower case. */
  readonly algorithm: string;
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** Unit that perplexity counts, for protocols: 'BPE token', 'word'. */
  readonly unit: string;
  /** Id of the token that ends a document, where the vocabulary has one. */
  readonly endOfText?: number;
  /** Id that stands for each line end, where line ends are entries of their own. */
  readonly endOfLine?: number;
  /** Ids of a text. Special tokens that stand in the text are recognised; none are added. */
  encode(text: string): Int32Array;
  /** Text of a sequence of ids, special tokens included. Ids outside the vocabulary stand for no text. */
  decode(ids: ArrayLike<number>): string;
  /** The vocabulary's entry of an id, in the notation of the tokenizer.json (byte-level BPE writes a space as Ġ). */
  idToToken(id: number): string | undefined;
  /** Id of a vocabulary entry. */
  tokenToId(token: string): number | undefined;
  /**
   * The last position at which `text` may be cut so that the ids of the part before it and of the part after it (with
   * any text appended to that) together equal the ids of the whole. 0 where there is none.
   */
  cutPoint(text: string): number;
  /** UTF-8 bytes an id stands for, when ids map to bytes exactly (byte-level BPE). */
  bytes?(id: number): Uint8Array;
  /** UTF-8 bytes of text each id stands for, shape [vocabSize], when ids map to bytes exactly (byte-level BPE). */
  byteLengths?(): Uint16Array;
  /** Writes a tokenizer.json in the format of Hugging Face tokenizers, atomically. */
  save(path: string): Promise<void>;
  /** Name that the file has in the folder of a tokenizer or a checkpoint. Default tokenizer.json. */
  readonly file?: string;
}

/** One document: a whole string, or its text in pieces that do not split a code point. */
export type TextSource = string | Iterable<string> | AsyncIterable<string>;

/** Data of a `corpus` artifact: where the text of each split lies. One file is one document. */
export interface CorpusData {
  splits: Record<string, { files: CorpusFile[] }>;
}

export interface CorpusFile {
  /** Absolute path of a UTF-8 text file, plain or gzip. */
  path: string;
  /** SHA-256 of the file as it lies on disk (of the compressed bytes for gzip), hexadecimal. */
  sha256: string;
  /** Size of the file as it lies on disk. */
  bytes: number;
}

/**
 * Data of a `bitext` artifact: parallel text. Line n of a split's target file is the translation of line n of its source
 * file; the files are UTF-8 without a byte order mark, and every line ends with a line feed. Any split but `train` and
 * `valid` is a test set, whose pairs are all there and in their order.
 */
export interface BitextData {
  /** Name of the source language, e.g. `en`. */
  source: string;
  target: string;
  splits: Record<string, BitextSplit>;
}

export interface BitextSplit {
  source: CorpusFile;
  target: CorpusFile;
  pairs: number;
}
