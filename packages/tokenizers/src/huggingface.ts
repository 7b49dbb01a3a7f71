/**
 * Any other tokenizer.json (SentencePiece-like, other pre-tokenisers), through the JavaScript library of Hugging Face. The
 * library trusts its files: what it would stumble over is looked for before it sees one.
 */

import { Tokenizer as Library } from '@huggingface/tokenizers';
import { UserError } from '@t2r/core/errors';
import { writeFileAtomic } from '@t2r/core/files';
import { z } from 'zod';
import { END_OF_TEXT } from './end-of-text.js';
import type { Tokenizer } from './types.js';
import { wellFormed } from './well-formed.js';

/** Ids stay below this, as in every tokenizer of this package. */
const MAX_VOCAB = 2 ** 21;

export class HuggingFaceTokenizer implements Tokenizer {
  readonly algorithm: string;
  readonly unit: string;
  readonly vocabSize: number;
  readonly endOfText?: number;
  readonly #library: Library;
  readonly #text: string;
  readonly #tokens = new Map<number, string>();

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
    for (const [token, id] of library.get_vocab(true)) {
      this.#tokens.set(id, token);
      largest = Math.max(largest, id);
    }
    this.vocabSize = largest + 1;
    const end = END_OF_TEXT.map((token) => library.token_to_id(token)).find((id) => id !== undefined);
    if (end !== undefined) this.endOfText = end;
  }

  /** @throws UserError when the file's rules do not work on the text. */
  encode(text: string): Int32Array {
    const { ids } = this.#run(() => this.#library.encode(wellFormed(text), { add_special_tokens: false }));
    return Int32Array.from(ids);
  }

  /** @throws UserError when the file's rules do not work on the ids. */
  decode(ids: ArrayLike<number>): string {
    // The library takes unknown ids for the unknown token, and refuses an empty sequence.
    const known = Array.from(ids).filter((id) => this.#tokens.has(id));
    if (known.length === 0) return '';
    const options = { skip_special_tokens: false, clean_up_tokenization_spaces: false };
    return this.#run(() => this.#library.decode(known, options));
  }

  idToToken(id: number): string | undefined {
    return this.#tokens.get(id);
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

  #run<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      throw new UserError(`the tokenizer.json does not work: ${(error as Error).message}`, {
        hint: 'it may be damaged: copy or download it again',
        cause: error,
      });
    }
  }
}

const id = z
  .int()
  .min(0)
  .max(MAX_VOCAB - 1);

/** What must hold of a file whatever its kind. */
const sound = z.looseObject({
  added_tokens: z.array(z.looseObject({ id, content: z.string() })).optional(),
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([
      z.custom<object>(
        (value) =>
          typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isId),
        'expected a mapping from entries to ids',
      ),
      z.array(z.tuple([z.string(), z.number()])).max(MAX_VOCAB),
    ]),
    merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).optional(),
    unk_id: id.nullish(),
  }),
});

const isId = (value: unknown) => id.safeParse(value).success;

/**
 * The tokenizer of a parsed tokenizer.json; `text` is what it was parsed from.
 * @throws Error when the file is none.
 */
export function huggingFaceFromJson(json: object, text: string): HuggingFaceTokenizer {
  const checked = sound.safeParse(json);
  if (!checked.success) {
    const [{ path, message }] = checked.error.issues as [z.core.$ZodIssue];
    throw new RangeError(`${path.join('.')}: ${message}`);
  }
  const { model } = checked.data;
  const type = model.type ?? (model.merges === undefined ? 'WordLevel' : 'BPE');
  const tokenizer = new HuggingFaceTokenizer(new Library(json, {}), type.toLowerCase(), text);
  // Parts that the library knows nothing about show on the first text.
  tokenizer.decode(tokenizer.encode('a b'));
  return tokenizer;
}
