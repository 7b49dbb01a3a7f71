/**
 * The tokenizer of one side of a Marian model as transformers has it (MarianTokenizer, for Helsinki-NLP's opus-mt): pieces by
 * SentencePiece, ids by a vocabulary of its own, which source and target share or have each for themselves.
 */
import { writeFileAtomic } from '@t2r/core/files';
import { toBase64 } from '../base64.js';
import type { SentencePiece } from '../sentencepiece/sentencepiece.js';
import { formatFile, tokensById } from '../tokenizer-json.js';
import type { Tokenizer } from '../types.js';
import type { MarianFile } from './file.js';

const [END, UNKNOWN, PADDING] = ['</s>', '<unk>', '<pad>'];
/** Tokens that are no pieces; in a text they are recognised as they stand. */
const SPECIAL = [END, UNKNOWN, PADDING];
const SPACE = /\u2581/g;

export class MarianTokenizer implements Tokenizer {
  readonly algorithm = 'marian';
  readonly unit: string;
  readonly vocabSize: number;
  readonly endOfText: number;
  readonly sentencePiece: SentencePiece;
  readonly #tokens: readonly (string | undefined)[];
  readonly #ids: ReadonlyMap<string, number>;
  readonly #unknown: number;

  /**
   * @param sentencePiece makes the pieces; its own ids play no part
   * @param vocab ids by piece
   * @throws RangeError when the vocabulary lacks `</s>` or `<unk>`
   */
  constructor(sentencePiece: SentencePiece, vocab: Readonly<Record<string, number>>) {
    this.sentencePiece = sentencePiece;
    this.unit = sentencePiece.unit;
    this.#tokens = tokensById(vocab);
    this.#ids = new Map(Object.entries(vocab));
    this.vocabSize = this.#tokens.length;
    const require = (token: string) => {
      const id = this.#ids.get(token);
      if (id === undefined) throw new RangeError(`the vocabulary has no entry ${token}`);
      return id;
    };
    this.endOfText = require(END!);
    this.#unknown = require(UNKNOWN!);
  }

  /** Ids by piece. */
  get vocab(): Record<string, number> {
    return Object.fromEntries(this.#ids);
  }

  /**
   * Ids of a text, without the end token. A language code (`>>fra<<`) at the beginning is one token, and a piece that has no
   * entry is unknown.
   */
  encode(text: string): Int32Array {
    const tokens: string[] = [];
    for (const part of text.split(/(<\/s>|<unk>|<pad>)/)) {
      if (SPECIAL.includes(part)) tokens.push(part);
      else if (part !== '') for (const piece of this.#piecesOf(part)) tokens.push(piece);
    }
    return Int32Array.from(tokens, (token) => this.#ids.get(token) ?? this.#unknown);
  }

  /** Text of ids: pieces joined as SentencePiece does, special tokens as they are written. */
  decode(ids: ArrayLike<number>): string {
    let text = '';
    let run: string[] = [];
    for (let i = 0; i < ids.length; i++) {
      const token = this.#tokens[ids[i]!];
      if (token === undefined) continue;
      if (!SPECIAL.includes(token)) run.push(token);
      else {
        text += `${this.#join(run)}${token} `;
        run = [];
      }
    }
    return (text + this.#join(run)).trim();
  }

  idToToken(id: number): string | undefined {
    return this.#tokens[id];
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** Nowhere: what a piece is may depend on all that stands before it. */
  cutPoint(): number {
    return 0;
  }

  /** Writes a tokenizer.json of this package's own kind, with the SentencePiece model in it. */
  async save(path: string): Promise<void> {
    const spm = toBase64(this.sentencePiece.modelBytes);
    const file: MarianFile = { version: '1.0', model: { type: 'Marian', spm, vocab: this.vocab } };
    await writeFileAtomic(path, formatFile(file));
  }

  #piecesOf(text: string): string[] {
    const end = text.startsWith('>>') ? text.indexOf('<<') : -1;
    if (end < 0) return this.sentencePiece.pieces(text);
    return [text.slice(0, end + 2), ...this.sentencePiece.pieces(text.slice(end + 2))];
  }

  /** The vocabulary may have entries of the other language, which this side's SentencePiece model does not know. */
  #join(pieces: readonly string[]): string {
    const ids = pieces.map((piece) => this.sentencePiece.tokenToId(piece));
    if (ids.every((id) => id !== undefined)) return this.sentencePiece.decode(ids);
    return pieces.join('').replace(SPACE, ' ').trimStart();
  }
}
