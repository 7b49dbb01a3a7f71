/** Trains SentencePiece models that SentencePiece itself loads. */
import type { Documents } from '../../train.js';
import { compileCharsmap } from '../charsmap.js';
import { DEFAULT_TRAINER, type NormalizerSpec, type Piece, type TrainerSpec, writeModel } from '../model-file.js';
import { type NormalizationName, normalizationRules } from '../nfkc-rules.js';
import { SentencePiece } from '../sentencepiece.js';
import { type ResolvedOptions, resolveOptions, type TrainSentencePieceOptions } from './options.js';
import { specialPieces } from './special-pieces.js';
import { trainBpe } from './train-bpe.js';
import { trainUnigram } from './train-unigram.js';
import { validPieceRule } from './valid-piece.js';
import { gatherWords } from './words.js';

/**
 * Trains a model on documents, one sentence a line. The corpus may be larger than memory: of more lines than
 * `sentences` an even sample is drawn. The same text, options and seed give the same bytes.
 * @throws RangeError when the vocabulary cannot hold the special pieces and the characters, or there is no text.
 */
export async function trainSentencePiece(
  documents: Documents,
  options: TrainSentencePieceOptions,
): Promise<SentencePiece> {
  return SentencePiece.open(await trainSentencePieceModel(documents, options));
}

/** The bytes of a `.model` file trained on documents; see `trainSentencePiece`. */
export async function trainSentencePieceModel(
  documents: Documents,
  given: TrainSentencePieceOptions,
): Promise<Uint8Array> {
  const options = resolveOptions(given);
  const special = specialPieces(options);
  const normalizer = normalizerSpec(options);
  const symbols = [...special.values()].filter(({ type }) => type === 'user-defined').map(({ text }) => text);
  const words = await gatherWords(documents, normalizer, symbols, options);
  const wanted = options.vocab - special.size;
  const smallest = words.alphabet.length + special.size;
  if (options.vocab < smallest) {
    throw new RangeError(
      `${options.vocab} pieces cannot hold ${special.size} special pieces and ${words.alphabet.length} characters; ` +
        `give at least ${smallest}, or a lower character coverage`,
    );
  }
  const isValid = validPieceRule(words.alphabet, options);
  const train = options.model === 'unigram' ? trainUnigram : trainBpe;
  const pieces = withSpecial(await train(words, isValid, wanted, options), special);
  return writeModel({ pieces, normalizer, trainer: trainerSpec(options, pieces.length) });
}

/** Special pieces at their ids, the others in order around them. */
function withSpecial(pieces: readonly Piece[], special: ReadonlyMap<number, Piece>): Piece[] {
  const all: Piece[] = [];
  const total = pieces.length + special.size;
  const rest = pieces[Symbol.iterator]();
  for (let id = 0; id < total; id++) {
    const piece = special.get(id) ?? rest.next().value;
    if (piece === undefined)
      throw new RangeError(`the special id ${Math.max(...special.keys())} is beyond the vocabulary`);
    all.push(piece);
  }
  return all;
}

/** Compiled once a process: the rules are always the same, and there are 225,000 of them. */
const charsmaps = new Map<NormalizationName, Uint8Array>();

function charsmapOf(name: NormalizationName): Uint8Array {
  let charsmap = charsmaps.get(name);
  if (charsmap === undefined) {
    const rules = normalizationRules(name);
    charsmap = rules.size === 0 ? new Uint8Array(0) : compileCharsmap(rules);
    charsmaps.set(name, charsmap);
  }
  return charsmap;
}

function normalizerSpec(options: ResolvedOptions): NormalizerSpec {
  return {
    name: options.normalization,
    charsmap: charsmapOf(options.normalization),
    addDummyPrefix: options.addDummyPrefix,
    removeExtraWhitespaces: options.removeExtraWhitespaces,
    escapeWhitespaces: true,
  };
}

function trainerSpec(options: ResolvedOptions, vocabSize: number): TrainerSpec {
  const { specialIds, byteFallback, splitDigits, splitByNumber, splitByUnicodeScript, splitByWhitespace } = options;
  return {
    ...DEFAULT_TRAINER,
    modelType: options.model,
    vocabSize,
    characterCoverage: options.characterCoverage,
    byteFallback,
    splitDigits,
    splitByNumber,
    splitByUnicodeScript,
    splitByWhitespace,
    maxPieceLength: options.maxPieceLength,
    controlSymbols: [...options.controlSymbols],
    userDefinedSymbols: [...options.userDefinedSymbols],
    unkId: specialIds.unk,
    bosId: specialIds.bos,
    eosId: specialIds.eos,
    padId: specialIds.pad,
  };
}
