/** What a tokenizer is, whatever its kind. */
export interface Tokenizer {
  /** 'bpe' (byte-level) or 'word'. */
  readonly algorithm: string;
  readonly vocabSize: number;
  /** Unit that perplexity counts, for protocols: 'BPE token', 'word'. */
  readonly unit: string;
  readonly endOfText?: number;
  encode(text: string): Int32Array;
  decode(ids: ArrayLike<number>): string;
  /** Text of one id as it streams; incomplete UTF-8 is held back by `TextStream` (decoding token by token). */
  idToToken(id: number): string | undefined;
  tokenToId(token: string): number | undefined;
  /** UTF-8 bytes of text each id stands for, when ids map to bytes exactly (byte-level BPE). */
  byteLengths?(): Uint16Array;
  /** Writes tokenizer.json (Hugging Face tokenizers format for BPE). */
  save(path: string): Promise<void>;
}
