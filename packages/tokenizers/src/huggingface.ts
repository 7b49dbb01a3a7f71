/** Any other tokenizer.json (SentencePiece-like, other pre-tokenisers), through the JavaScript library of Hugging Face. */

import { Tokenizer as Library } from '@huggingface/tokenizers';
import { writeFileAtomic } from '@t2r/core';
import type { Tokenizer } from './types.js';

export class HuggingFaceTokenizer implements Tokenizer {
  readonly algorithm: string;
  readonly unit: string;
  readonly vocabSize: number;
  readonly #library: Library;
  readonly #text: string;

  /**
   * @param library The library's tokenizer, made from the file.
   * @param algorithm The model's type, in lower case.
   * @param text The file's text; saving writes it unchanged.
   */
  constructor(library: Library, algorithm: string, text: string) {
    this.#library = library;
    this.#text = text;
    this.algorithm = algorithm;
    this.unit = `${algorithm} token`;
    let largest = -1;
    for (const id of library.get_vocab(true).values()) largest = Math.max(largest, id);
    this.vocabSize = largest + 1;
  }

  encode(text: string): Int32Array {
    // The round trip turns lone surrogates into U+FFFD.
    const wellFormed = Buffer.from(text, 'utf8').toString('utf8');
    return Int32Array.from(this.#library.encode(wellFormed, { add_special_tokens: false }).ids);
  }

  decode(ids: ArrayLike<number>): string {
    // The library refuses an empty sequence.
    if (ids.length === 0) return '';
    return this.#library.decode(Array.from(ids), { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  idToToken(id: number): string | undefined {
    return this.#library.id_to_token(id);
  }

  tokenToId(token: string): number | undefined {
    return this.#library.token_to_id(token);
  }

  /** Normalisers and pre-tokenisers of every kind may look across any place, so none is known to be safe. */
  cutPoint(): number {
    return 0;
  }

  async save(path: string): Promise<void> {
    await writeFileAtomic(path, this.#text);
  }
}

/** The tokenizer of a parsed tokenizer.json; `text` is what it was parsed from. */
export function huggingFaceFromJson(json: object, text: string): HuggingFaceTokenizer {
  const { model } = json as { model: { type?: unknown; merges?: unknown } };
  const type = typeof model.type === 'string' ? model.type : model.merges === undefined ? 'WordLevel' : 'BPE';
  return new HuggingFaceTokenizer(new Library(json, {}), type.toLowerCase(), text);
}
