/** Tokenizers of SentencePiece (Kudo & Richardson 2018, arXiv 1808.06226): unigram and BPE over text with its spaces. */
import { writeFileAtomic } from '@t2r/core/files';
import { type SentencePieceRuntime, startSentencePiece } from '#sentencepiece';
import { IdBuffer } from '../id-buffer.js';
import type { Tokenizer } from '../types.js';
import { wellFormed } from '../well-formed.js';
import { checkModel } from './check-model.js';
import { type ModelType, type Piece, readModel, type SentencePieceModel } from './model-file.js';
import { SPACE } from './normalizer.js';

const BOM = '\ufeff';

const UNITS: Record<ModelType, string> = {
  unigram: 'unigram token',
  bpe: 'BPE token',
  word: 'word',
  char: 'character',
};

export class SentencePiece implements Tokenizer {
  readonly algorithm: string;
  readonly unit: string;
  readonly vocabSize: number;
  readonly endOfText?: number;
  readonly file = 'tokenizer.model';
  /** What the file holds: pieces with scores and types, and the settings of normalisation and training. */
  readonly model: SentencePieceModel;
  readonly #bytes: Uint8Array;
  readonly #runtime: SentencePieceRuntime;
  readonly #ids: ReadonlyMap<string, number>;
  /** Whether a line end separates like any space, so that lines can be encoded one by one. */
  readonly #byLines: boolean;

  private constructor(bytes: Uint8Array, model: SentencePieceModel, runtime: SentencePieceRuntime) {
    this.#bytes = bytes;
    this.model = model;
    this.#runtime = runtime;
    this.#ids = new Map(model.pieces.map(({ text }, id) => [text, id]));
    this.algorithm = `sentencepiece-${model.trainer.modelType}`;
    this.unit = UNITS[model.trainer.modelType];
    this.vocabSize = model.pieces.length;
    const end = model.trainer.eosId;
    if (model.pieces[end]?.type === 'control') this.endOfText = end;
    this.#byLines = this.#linesStandAlone();
  }

  /**
   * Opens the bytes of a `.model` file.
   * @throws RangeError when they are no model or a damaged one.
   */
  static async open(bytes: Uint8Array): Promise<SentencePiece> {
    const model = readModel(bytes);
    checkModel(model);
    const runtime = await startSentencePiece(bytes);
    const unknown = model.pieces.findIndex(({ type }) => type === 'unknown');
    if (runtime.encode('a').length === 0 && runtime.decode([unknown]) === '') {
      throw new RangeError('SentencePiece does not accept it');
    }
    return new SentencePiece(bytes, model, runtime);
  }

  /**
   * Ids of a text. User-defined symbols that stand in it are recognised; control symbols never are, and none is added. Text
   * of several lines is encoded line by line, as SentencePiece's own tools do with files.
   */
  encode(text: string): Int32Array {
    const sound = wellFormed(text);
    if (!this.#byLines) return Int32Array.from(this.#runtime.encode(sound));
    const out = new IdBuffer(text.length / 4);
    for (const line of sound.split('\n')) {
      if (line === '') continue;
      for (const id of this.#runtime.encode(line)) out.push(id);
    }
    return out.finish();
  }

  /** Pieces of a text as they are written in vocabularies; what is in none stands as it is. The text counts as one line. */
  pieces(text: string): string[] {
    return this.#runtime.pieces(wellFormed(text));
  }

  /** The `.model` file as it was read or trained. */
  get modelBytes(): Uint8Array {
    return this.#bytes;
  }

  decode(ids: ArrayLike<number>): string {
    const known: number[] = [];
    for (let i = 0; i < ids.length; i++) if (this.model.pieces[ids[i]!] !== undefined) known.push(ids[i]!);
    if (known.length === 0) return '';
    const text = this.#runtime.decode(known);
    // The wasm build loses a byte order mark at the very beginning of longer texts.
    return this.#beginsWithBom(known) && !text.startsWith(BOM) ? BOM + text : text;
  }

  idToToken(id: number): string | undefined {
    return this.model.pieces[id]?.text;
  }

  tokenToId(token: string): number | undefined {
    return this.#ids.get(token);
  }

  /** Score and type of an id's piece. */
  piece(id: number): Piece | undefined {
    return this.model.pieces[id];
  }

  /** Before the last line end, where lines are encoded one by one. */
  cutPoint(text: string): number {
    return this.#byLines ? Math.max(0, text.lastIndexOf('\n')) : 0;
  }

  /** Writes the `.model` file as it was read or trained. */
  async save(path: string): Promise<void> {
    await writeFileAtomic(path, this.#bytes);
  }

  #beginsWithBom(ids: readonly number[]): boolean {
    const visible = ids.map((id) => this.model.pieces[id]!).filter(({ type }) => type !== 'control');
    const begin = visible.slice(0, 4).map(({ text }) => text);
    return begin.join('').startsWith('<0xEF><0xBB><0xBF>') || begin.join('').replace(SPACE, '').startsWith(BOM);
  }

  #linesStandAlone(): boolean {
    const { pieces, trainer, normalizer } = this.model;
    const { addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces } = normalizer;
    if (!addDummyPrefix || !removeExtraWhitespaces || !escapeWhitespaces) return false;
    if (trainer.treatWhitespaceAsSuffix) return false;
    const crosses = ({ text, type }: Piece) =>
      type === 'user-defined' ? /[\s\u2581]/u.test(text) : type === 'normal' && text.lastIndexOf(SPACE) > 0;
    if (pieces.some(crosses)) return false;
    const lines = this.#runtime.encode('a\nb');
    return `${lines}` === `${[...this.#runtime.encode('a'), ...this.#runtime.encode('b')]}`;
  }
}
