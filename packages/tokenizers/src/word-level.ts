/** Word-level tokens: words between white space, the rest of the world one `<unk>`; optionally line ends as `<eos>`. */
import { writeFileAtomic } from '@t2r/core/files';
import { IdBuffer } from './id-buffer.js';
import { lastWordStart } from './pre-tokenize.js';
import { formatFile, specialToken, tokensById, type WordFile } from './tokenizer-json.js';
import type { Tokenizer } from './types.js';

export const UNKNOWN = '<unk>';
export const END_OF_LINE = '<eos>';

export interface WordLevelOptions {
  /** Vocabulary by id. */
  tokens: readonly (string | undefined)[];
  /** Entry that stands for every word without one. Default `<unk>`. */
  unknown?: string;
  /** Entry that stands for a line end; without it line ends separate words as spaces do. */
  endOfLine?: string;
  /** Entry that ends a document, found wherever it stands in a text. Default: that of a line end. */
  endOfText?: string;
}

export class WordLevel implements Tokenizer {
  readonly algorithm = 'word';
  readonly unit = 'word';
  readonly vocabSize: number;
  readonly endOfText?: number;
  readonly endOfLine?: number;
  readonly #tokens: readonly (string | undefined)[];
  readonly #ids = new Map<string, number>();
  readonly #unknown: string;
  readonly #unknownId: number;
  readonly #endOfLine?: string;
  readonly #special?: string;

  constructor({ tokens, unknown = UNKNOWN, endOfLine, endOfText }: WordLevelOptions) {
    this.#tokens = tokens;
    this.vocabSize = tokens.length;
    for (const [id, token] of tokens.entries()) if (token !== undefined) this.#ids.set(token, id);
    this.#unknown = unknown;
    this.#endOfLine = endOfLine;
    this.#unknownId = this.#require(unknown);
    if (endOfLine !== undefined) this.endOfText = this.endOfLine = this.#require(endOfLine);
    if (endOfText !== undefined) this.endOfText = this.#require(endOfText);
    this.#special = endOfText;
  }

  encode(text: string): Int32Array {
    const out = new IdBuffer(text.length / 5);
    const pattern = this.#endOfLine === undefined ? WORD : WORD_OR_LINE_END;
    for (const [word] of text.matchAll(pattern)) {
      if (word === '\n') out.push(this.endOfLine!);
      else for (const part of this.#parts(word)) out.push(this.#ids.get(part) ?? this.#unknownId);
    }
    return out.finish();
  }

  /** A word, or what stands between special tokens that are written without a space, and they. */
  #parts(word: string): string[] {
    const special = this.#special;
    if (special === undefined || word === special || !word.includes(special)) return [word];
    return word.split(special).flatMap((part, i) => [...(i > 0 ? [special] : []), ...(part === '' ? [] : [part])]);
  }

  /** Words with one space between them; a line end stands without spaces around it. */
  decode(ids: ArrayLike<number>): string {
    let text = '';
    for (let i = 0; i < ids.length; i++) {
      const token = this.#tokens[ids[i]!];
      if (token === undefined) continue;
      if (token === this.#endOfLine) text += '\n';
      else text += text === '' || text.endsWith('\n') ? token : ` ${token}`;
    }
    return text;
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  cutPoint(text: string): number {
    return lastWordStart(text);
  }

  async save(path: string): Promise<void> {
    const endOfLine = this.#endOfLine;
    const file: WordFile = {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: this.#special === undefined ? [] : [specialToken(this.endOfText!, this.#special)],
      normalizer:
        endOfLine === undefined ? null : { type: 'Replace', pattern: { String: '\n' }, content: ` ${endOfLine} ` },
      pre_tokenizer: { type: 'WhitespaceSplit' },
      post_processor: null,
      decoder: null,
      model: { type: 'WordLevel', vocab: Object.fromEntries(this.#ids), unk_token: this.#unknown },
    };
    await writeFileAtomic(path, formatFile(file));
  }

  #require(token: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw new RangeError(`the vocabulary has no entry ${token}`);
    return id;
  }
}

/** The tokenizer a parsed file describes. */
export function wordLevelFromFile(file: WordFile): WordLevel {
  return new WordLevel({
    tokens: tokensById(file.model.vocab),
    unknown: file.model.unk_token,
    endOfLine: file.normalizer?.content.trim(),
    endOfText: file.added_tokens[0]?.content,
  });
}

const WORD = /\P{White_Space}+/gu;
const WORD_OR_LINE_END = /\P{White_Space}+|\n/gu;
