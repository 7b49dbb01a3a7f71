/** A tokenizer of subword-nmt's codes: words, split at spaces or by Moses, as subwords with `@@` and ids of their own. */
import { writeFileAtomic } from '@t2r/core/files';
import { compareCodePoints } from '../code-points.js';
import { FAIRSEQ_END, FAIRSEQ_SPECIAL, FAIRSEQ_UNKNOWN } from '../fairseq-dict.js';
import { IdBuffer } from '../id-buffer.js';
import { mosesDetokenize } from '../moses/detokenize.js';
import { type MosesSettings, prepareLine } from '../moses/settings.js';
import { formatFile } from '../tokenizer-json.js';
import type { Tokenizer } from '../types.js';
import { joinSubwords, SEPARATOR, SubwordBpe } from './apply.js';
import { type Codes, END_OF_WORD, type Merge } from './codes.js';
import type { SubwordFile } from './file.js';

export interface SubwordNmtOptions extends Codes {
  /** Vocabulary by id, subwords with their separators. It must hold `unknown`. */
  tokens: readonly (string | undefined)[];
  /** Default `<unk>`. */
  unknown?: string;
  /** Entry that stands for a line end; without it line ends separate words as spaces do. */
  endOfLine?: string;
  /** Default `@@`. */
  separator?: string;
  /** Splits subwords that have no entry further, as subword-nmt's `--vocabulary` does. Default false. */
  restrict?: boolean;
  /** Words or regular expressions that are never split. Default none. */
  glossaries?: readonly string[];
  /** Prepares text with Moses before it is split. Default: text is split at white space. */
  moses?: MosesSettings;
}

export class SubwordNmt implements Tokenizer {
  readonly algorithm = 'subword-nmt';
  readonly unit = 'BPE token';
  readonly vocabSize: number;
  readonly endOfText?: number;
  readonly endOfLine?: number;
  readonly #options: SubwordNmtOptions;
  readonly #separator: string;
  readonly #bpe: SubwordBpe;
  readonly #ids = new Map<string, number>();
  readonly #unknownId: number;

  /** @throws RangeError when the vocabulary lacks the unknown entry or the line end. */
  constructor(options: SubwordNmtOptions) {
    const { tokens, separator = SEPARATOR, restrict = false, unknown = FAIRSEQ_UNKNOWN, endOfLine } = options;
    this.#options = options;
    this.#separator = separator;
    this.vocabSize = tokens.length;
    for (const [id, token] of tokens.entries()) if (token !== undefined) this.#ids.set(token, id);
    this.#unknownId = this.#require(unknown);
    if (endOfLine !== undefined) this.endOfLine = this.#require(endOfLine);
    this.endOfText = this.endOfLine ?? this.#ids.get(FAIRSEQ_END);
    this.#bpe = new SubwordBpe({ ...options, vocabulary: restrict ? new Set(this.#ids.keys()) : undefined });
  }

  /** The codes, for a file of their own (`formatCodes`). */
  get codes(): Codes {
    return { version: this.#options.version, merges: this.#options.merges };
  }

  encode(text: string): Int32Array {
    const out = new IdBuffer(text.length / 4);
    for (const [i, line] of text.split('\n').entries()) {
      if (i > 0 && this.endOfLine !== undefined) out.push(this.endOfLine);
      for (const [word] of prepareLine(line, this.#options.moses).matchAll(WORD)) {
        for (const subword of this.#bpe.split(word)) out.push(this.#ids.get(subword) ?? this.#unknownId);
      }
    }
    return out.finish();
  }

  decode(ids: ArrayLike<number>): string {
    const lines: string[][] = [[]];
    for (let i = 0; i < ids.length; i++) {
      const token = this.#options.tokens[ids[i]!];
      if (token === undefined) continue;
      if (ids[i] === this.endOfLine) lines.push([]);
      else lines[lines.length - 1]!.push(token);
    }
    const { moses } = this.#options;
    const text = lines.map((subwords) => {
      const words = joinSubwords(subwords.join(' '), this.#separator);
      return moses === undefined ? words : mosesDetokenize(words, moses);
    });
    return text.join('\n');
  }

  idToToken(id: number): string | undefined {
    return this.#options.tokens[id];
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** Before the last line end. */
  cutPoint(text: string): number {
    return Math.max(0, text.lastIndexOf('\n'));
  }

  /** Writes a tokenizer.json of this package's own kind; `formatCodes` and `formatDict` make subword-nmt's files. */
  async save(path: string): Promise<void> {
    const {
      version,
      merges,
      unknown = FAIRSEQ_UNKNOWN,
      endOfLine,
      restrict = false,
      glossaries = [],
      moses,
    } = this.#options;
    const file: SubwordFile = {
      version: '1.0',
      moses: moses ?? null,
      model: {
        type: 'SubwordNmt',
        codes: version,
        separator: this.#separator,
        unk_token: unknown,
        end_of_line: endOfLine ?? null,
        restrict,
        glossaries: [...glossaries],
        vocab: Object.fromEntries(this.#ids),
        merges: merges.map(([left, right]) => [left, right]),
      },
    };
    await writeFileAtomic(path, formatFile(file));
  }

  #require(token: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw new RangeError(`the vocabulary has no entry ${token}`);
    return id;
  }
}

const WORD = /\P{White_Space}+/gu;

/**
 * Every subword that merges can lead to, as it is written in a vocabulary: single characters in the order of code points,
 * then what the merges give. `words` adds characters that no merge has.
 */
export function subwordsOf(merges: readonly Merge[], words: Iterable<string> = [], separator = SEPARATOR): Set<string> {
  const chars = new Set<string>();
  const joined = new Set<string>();
  const written = (symbol: string) =>
    symbol.endsWith(END_OF_WORD) ? symbol.slice(0, -END_OF_WORD.length) : symbol + separator;
  const addChar = (symbol: string) => {
    if ([...symbol.replace(END_OF_WORD, '')].length === 1) chars.add(written(symbol));
  };
  for (const word of words) {
    const all = [...word];
    for (const [i, char] of all.entries()) chars.add(i + 1 < all.length ? char + separator : char);
  }
  for (const [left, right] of merges) {
    addChar(left);
    addChar(right);
    joined.add(written(left + right));
  }
  return new Set([...[...chars].sort(compareCodePoints), ...joined]);
}

/** The tokenizer of codes that come without a dictionary: fairseq's special symbols, then `subwordsOf`. */
export function subwordNmtFromCodes(codes: Codes): SubwordNmt {
  return new SubwordNmt({
    ...codes,
    tokens: [...FAIRSEQ_SPECIAL, ...subwordsOf(codes.merges)],
    endOfLine: FAIRSEQ_END,
  });
}
