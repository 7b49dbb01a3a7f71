/**
 * SentencePiece's `.model` file: a Protocol Buffers message `ModelProto`. Field numbers are those of
 * sentencepiece_model.proto in https://github.com/google/sentencepiece.
 */
import { MessageWriter, readMessage, type WireValue } from './protobuf.js';

/** What a piece is: text, the one unknown piece, a symbol that never stands in text, a fixed piece of text, ... */
export type PieceType = 'normal' | 'unknown' | 'control' | 'user-defined' | 'unused' | 'byte';

export interface Piece {
  /** The piece as it is written in the vocabulary; a space is ▁ (U+2581), a byte `<0x0A>`. */
  text: string;
  /** Log probability (unigram) or minus the rank of the merge (BPE). */
  score: number;
  type: PieceType;
}

/** How text is prepared before it is segmented. */
export interface NormalizerSpec {
  /** nmt_nfkc, nfkc, nmt_nfkc_cf, nfkc_cf, identity or a name of its own. */
  name: string;
  /** Compiled replacement rules; empty when characters stay as they are. */
  charsmap: Uint8Array;
  /** Puts a space before the text. */
  addDummyPrefix: boolean;
  /** Drops leading, trailing and repeated spaces. */
  removeExtraWhitespaces: boolean;
  /** Writes spaces as ▁. */
  escapeWhitespaces: boolean;
}

export type ModelType = 'unigram' | 'bpe' | 'word' | 'char';

/** The settings of training that matter afterwards. */
export interface TrainerSpec {
  modelType: ModelType;
  vocabSize: number;
  characterCoverage: number;
  byteFallback: boolean;
  splitDigits: boolean;
  splitByWhitespace: boolean;
  splitByUnicodeScript: boolean;
  splitByNumber: boolean;
  treatWhitespaceAsSuffix: boolean;
  maxPieceLength: number;
  controlSymbols: string[];
  userDefinedSymbols: string[];
  /** Id of the special pieces; -1 where there is none. */
  unkId: number;
  bosId: number;
  eosId: number;
  padId: number;
  /** Text that the unknown piece is decoded to. */
  unkSurface: string;
}

export interface SentencePieceModel {
  /** By id. */
  pieces: Piece[];
  trainer: TrainerSpec;
  normalizer: NormalizerSpec;
}

const PIECE_TYPES: Record<number, PieceType> = {
  1: 'normal',
  2: 'unknown',
  3: 'control',
  4: 'user-defined',
  5: 'unused',
  6: 'byte',
};
const MODEL_TYPES: Record<number, ModelType> = { 1: 'unigram', 2: 'bpe', 3: 'word', 4: 'char' };

export const DEFAULT_TRAINER: TrainerSpec = {
  modelType: 'unigram',
  vocabSize: 8000,
  characterCoverage: 0.9995,
  byteFallback: false,
  splitDigits: false,
  splitByWhitespace: true,
  splitByUnicodeScript: true,
  splitByNumber: true,
  treatWhitespaceAsSuffix: false,
  maxPieceLength: 16,
  controlSymbols: [],
  userDefinedSymbols: [],
  unkId: 0,
  bosId: 1,
  eosId: 2,
  padId: -1,
  unkSurface: ' \u2047 ',
};

export const DEFAULT_NORMALIZER: NormalizerSpec = {
  name: '',
  charsmap: new Uint8Array(0),
  addDummyPrefix: true,
  removeExtraWhitespaces: true,
  escapeWhitespaces: true,
};

/**
 * Reads a `.model` file; says nothing about whether the model makes sense (see `checkModel`).
 * @throws RangeError when the bytes are no such message.
 */
export function readModel(bytes: Uint8Array): SentencePieceModel {
  const pieces: Piece[] = [];
  let trainer = DEFAULT_TRAINER;
  let normalizer = DEFAULT_NORMALIZER;
  readMessage(bytes, (field, value) => {
    if (field === 1) pieces.push(readPiece(message(value)));
    else if (field === 2) trainer = readTrainer(message(value));
    else if (field === 3) normalizer = readNormalizer(message(value));
  });
  return { pieces, trainer, normalizer };
}

/** The bytes of a `.model` file, with every setting written out. */
export function writeModel({ pieces, trainer, normalizer }: SentencePieceModel): Uint8Array {
  const file = new MessageWriter();
  for (const { text, score, type } of pieces) {
    const piece = new MessageWriter().string(1, text).float(2, score);
    if (type !== 'normal') piece.int(3, codeOf(PIECE_TYPES, type));
    file.bytes(1, piece.finish());
  }
  return file.bytes(2, trainerMessage(trainer)).bytes(3, normalizerMessage(normalizer)).finish();
}

function readPiece(bytes: Uint8Array): Piece {
  const piece: Piece = { text: '', score: 0, type: 'normal' };
  readMessage(bytes, (field, value) => {
    if (field === 1) piece.text = text(value);
    else if (field === 2) piece.score = float(value);
    else if (field === 3) piece.type = named(PIECE_TYPES, int(value), 'type of piece');
  });
  return piece;
}

function readTrainer(bytes: Uint8Array): TrainerSpec {
  const spec: TrainerSpec = { ...DEFAULT_TRAINER, controlSymbols: [], userDefinedSymbols: [] };
  readMessage(bytes, (field, value) => {
    switch (field) {
      case 3:
        spec.modelType = named(MODEL_TYPES, int(value), 'type of model');
        break;
      case 4:
        spec.vocabSize = int(value);
        break;
      case 10:
        spec.characterCoverage = float(value);
        break;
      case 20:
        spec.maxPieceLength = int(value);
        break;
      case 21:
        spec.splitByUnicodeScript = int(value) !== 0;
        break;
      case 22:
        spec.splitByWhitespace = int(value) !== 0;
        break;
      case 23:
        spec.splitByNumber = int(value) !== 0;
        break;
      case 24:
        spec.treatWhitespaceAsSuffix = int(value) !== 0;
        break;
      case 25:
        spec.splitDigits = int(value) !== 0;
        break;
      case 30:
        spec.controlSymbols.push(text(value));
        break;
      case 31:
        spec.userDefinedSymbols.push(text(value));
        break;
      case 35:
        spec.byteFallback = int(value) !== 0;
        break;
      case 40:
        spec.unkId = int(value);
        break;
      case 41:
        spec.bosId = int(value);
        break;
      case 42:
        spec.eosId = int(value);
        break;
      case 43:
        spec.padId = int(value);
        break;
      case 44:
        spec.unkSurface = text(value);
        break;
    }
  });
  return spec;
}

function trainerMessage(spec: TrainerSpec): Uint8Array {
  const message = new MessageWriter()
    .int(3, codeOf(MODEL_TYPES, spec.modelType))
    .int(4, spec.vocabSize)
    .float(10, spec.characterCoverage)
    .int(20, spec.maxPieceLength)
    .bool(21, spec.splitByUnicodeScript)
    .bool(22, spec.splitByWhitespace)
    .bool(23, spec.splitByNumber)
    .bool(24, spec.treatWhitespaceAsSuffix)
    .bool(25, spec.splitDigits);
  for (const symbol of spec.controlSymbols) message.string(30, symbol);
  for (const symbol of spec.userDefinedSymbols) message.string(31, symbol);
  return message
    .bool(35, spec.byteFallback)
    .int(40, spec.unkId)
    .int(41, spec.bosId)
    .int(42, spec.eosId)
    .int(43, spec.padId)
    .string(44, spec.unkSurface)
    .finish();
}

function readNormalizer(bytes: Uint8Array): NormalizerSpec {
  const spec: NormalizerSpec = { ...DEFAULT_NORMALIZER };
  readMessage(bytes, (field, value) => {
    if (field === 1) spec.name = text(value);
    else if (field === 2) spec.charsmap = message(value);
    else if (field === 3) spec.addDummyPrefix = int(value) !== 0;
    else if (field === 4) spec.removeExtraWhitespaces = int(value) !== 0;
    else if (field === 5) spec.escapeWhitespaces = int(value) !== 0;
  });
  return spec;
}

function normalizerMessage(spec: NormalizerSpec): Uint8Array {
  return new MessageWriter()
    .string(1, spec.name)
    .bytes(2, spec.charsmap)
    .bool(3, spec.addDummyPrefix)
    .bool(4, spec.removeExtraWhitespaces)
    .bool(5, spec.escapeWhitespaces)
    .finish();
}

function message(value: WireValue): Uint8Array {
  if (value.kind !== 'bytes') throw new RangeError('a number where a nested message was expected');
  return value.bytes;
}

function int(value: WireValue): number {
  if (value.kind !== 'int') throw new RangeError(`${value.kind} where an integer was expected`);
  return value.int;
}

function float(value: WireValue): number {
  if (value.kind !== 'float') throw new RangeError(`${value.kind} where a 32-bit float was expected`);
  return value.float;
}

function text(value: WireValue): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message(value));
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new RangeError('a text that is not UTF-8');
  }
}

function named<T>(names: Record<number, T>, code: number, what: string): T {
  const name = names[code];
  if (name === undefined) throw new RangeError(`unknown ${what} ${code}`);
  return name;
}

const codeOf = <T>(names: Record<number, T>, name: T): number =>
  Number(Object.keys(names).find((code) => names[Number(code)] === name));
