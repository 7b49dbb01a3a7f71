/** Byte-level BPE as GPT-2 has it: any text has ids, and decoding gives it back byte for byte. */

import { writeFileAtomic } from '@t2r/core/files';
import { AddedTokens } from './added-tokens.js';
import { MergeTable } from './bpe-merge.js';
import { BYTE_TO_CHAR, tokenBytes } from './byte-alphabet.js';
import { END_OF_TEXT } from './end-of-text.js';
import { IdBuffer } from './id-buffer.js';
import { ownCopy } from './pieces.js';
import { forEachWord, lastWordStart } from './pre-tokenize.js';
import { type AddedToken, type BpeFile, formatFile } from './tokenizer-json.js';
import type { Tokenizer } from './types.js';
import { utf8Bytes } from './well-formed.js';

/** Words whose ids are kept. Text repeats its words, so most look-ups end here. */
const CACHE_WORDS = 1 << 17;
/** Longer words repeat too rarely to be worth keeping. */
const CACHE_LENGTH = 64;

export interface ByteLevelBpeOptions {
  /** Vocabulary by id; holes (ids without an entry) are undefined. Added tokens may extend it. */
  tokens: readonly (string | undefined)[];
  /** Pairs of entries in order of rank. Each joined pair must be an entry. */
  merges: readonly (readonly [string, string])[];
  /** Tokens recognised in the text before pre-tokenisation. Default none. */
  addedTokens?: readonly AddedToken[];
  /** A word that is an entry takes its id without merging (Llama 3). Default false. */
  ignoreMerges?: boolean;
}

export class ByteLevelBpe implements Tokenizer {
  readonly algorithm = 'bpe';
  readonly unit = 'BPE token';
  readonly vocabSize: number;
  readonly endOfText?: number;
  readonly #options: Required<ByteLevelBpeOptions>;
  readonly #tokens: (string | undefined)[];
  readonly #ids = new Map<string, number>();
  readonly #added: AddedTokens;
  readonly #bytes: Uint8Array[];
  readonly #byteIds: number[];
  readonly #merges: MergeTable;
  readonly #cache = new Map<string, Int32Array>();

  constructor(options: ByteLevelBpeOptions) {
    this.#options = { addedTokens: [], ignoreMerges: false, ...options };
    this.#tokens = [...options.tokens];
    this.#added = new AddedTokens(this.#options.addedTokens);
    for (const { id, content } of this.#options.addedTokens) this.#tokens[id] = content;
    this.vocabSize = this.#tokens.length;
    const special = new Set(this.#options.addedTokens.map(({ id }) => id));
    const none = new Uint8Array(0);
    this.#bytes = Array.from(this.#tokens, (token, id) => {
      if (token === undefined) return none;
      this.#ids.set(token, id);
      return special.has(id) ? new TextEncoder().encode(token) : tokenBytes(token);
    });
    this.#byteIds = BYTE_TO_CHAR.map((char) => this.#ids.get(char) ?? -1);
    this.#merges = new MergeTable(
      options.merges.map(([left, right]) => [this.#require(left), this.#require(right), this.#require(left + right)]),
    );
    const end = END_OF_TEXT.find((content) => this.#ids.has(content));
    if (end !== undefined) this.endOfText = this.#ids.get(end);
  }

  encode(text: string): Int32Array {
    const out = new IdBuffer(text.length / 3);
    this.#added.split(
      text,
      (stretch) => forEachWord(stretch, (word) => out.append(this.#encodeWord(word))),
      (id) => out.push(id),
    );
    return out.finish();
  }

  decode(ids: ArrayLike<number>): string {
    let total = 0;
    for (let i = 0; i < ids.length; i++) total += this.bytes(ids[i]!).length;
    const bytes = new Uint8Array(total);
    for (let i = 0, at = 0; i < ids.length; i++) {
      const part = this.bytes(ids[i]!);
      bytes.set(part, at);
      at += part.length;
    }
    // Bytes that are not UTF-8 become U+FFFD; a byte order mark is text like any other.
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  cutPoint(text: string): number {
    return this.#added.haveSpaces ? 0 : lastWordStart(text);
  }

  bytes(id: number): Uint8Array {
    return this.#bytes[id] ?? new Uint8Array(0);
  }

  byteLengths(): Uint16Array {
    return Uint16Array.from(this.#bytes, (bytes) => bytes.length);
  }

  async save(path: string): Promise<void> {
    await writeFileAtomic(path, formatFile(this.#toJson()));
  }

  #encodeWord(word: string): Int32Array {
    const known = this.#cache.get(word);
    if (known !== undefined) return known;
    let ids: Int32Array;
    const bytes = utf8Bytes(word);
    const whole = this.#options.ignoreMerges ? this.#ids.get(latin(bytes)) : undefined;
    if (whole !== undefined) ids = Int32Array.of(whole);
    else ids = this.#merges.apply(Int32Array.from(bytes, (byte) => this.#byteIds[byte]!).filter((id) => id >= 0));
    if (word.length <= CACHE_LENGTH) {
      if (this.#cache.size >= CACHE_WORDS) this.#cache.clear();
      this.#cache.set(ownCopy(word), ids);
    }
    return ids;
  }

  #require(token: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw new RangeError(`the merges need the token ${JSON.stringify(token)}, which has no id`);
    return id;
  }

  /** The file as Python's `ByteLevelBPETokenizer(...).save(path)` writes it. */
  #toJson(): BpeFile {
    const { tokens, merges, addedTokens, ignoreMerges } = this.#options;
    const byteLevel = {
      type: 'ByteLevel' as const,
      add_prefix_space: true,
      trim_offsets: true,
      use_regex: true as const,
    };
    return {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [...addedTokens].sort((a, b) => a.id - b.id),
      normalizer: null,
      pre_tokenizer: { ...byteLevel, add_prefix_space: false as const },
      post_processor: { ...byteLevel, trim_offsets: false },
      decoder: byteLevel,
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: ignoreMerges,
        vocab: Object.fromEntries(tokens.flatMap((token, id) => (token === undefined ? [] : [[token, id]]))),
        merges: merges.map(([left, right]) => [left, right]),
      },
    };
  }
}

/** Bytes in the notation of the vocabulary. */
const latin = (bytes: Uint8Array) => Array.from(bytes, (byte) => BYTE_TO_CHAR[byte]!).join('');
