export { ByteLevelBpe, type ByteLevelBpeOptions } from './byte-level-bpe.js';
export { FAIRSEQ_SPECIAL, formatDict, parseDict } from './fairseq-dict.js';
export { parseTokenizer, type TokenizerContent, tokenizerFromContents } from './from-contents.js';
export { byteLevelBpeFromPair } from './gpt2-files.js';
export { type KeptTokenizer, keepTokenizer } from './keep.js';
export { loadTokenizer, SENTENCEPIECE_FILE, TOKENIZER_FILE, tokenizerFiles, tokenizerFromBytes } from './load.js';
export { sourceTokenizerFiles } from './load-folder.js';
export { MarianTokenizer } from './marian/tokenizer.js';
export { mosesDetokenize } from './moses/detokenize.js';
export { MOSES_LANGUAGES, type MosesLanguage } from './moses/languages.js';
export { type NormalizePunctuationOptions, normalizePunctuation } from './moses/normalize-punctuation.js';
export { removeNonPrinting } from './moses/remove-non-printing.js';
export type { MosesSettings } from './moses/settings.js';
export { type MosesTokenizeOptions, mosesTokenize } from './moses/tokenize.js';
export { safePieces } from './pieces.js';
export { plugin as default } from './plugin.js';
export {
  type Piece,
  type PieceType,
  readModel,
  type SentencePieceModel,
  writeModel,
} from './sentencepiece/model-file.js';
export { SentencePiece } from './sentencepiece/sentencepiece.js';
export type { SpecialIds, TrainSentencePieceOptions } from './sentencepiece/training/options.js';
export { trainSentencePiece, trainSentencePieceModel } from './sentencepiece/training/train-sentencepiece.js';
export { type ApplyOptions, joinSubwords, SubwordBpe, type SubwordBpeOptions } from './subword-nmt/apply.js';
export { type Codes, formatCodes, type Merge, parseCodes } from './subword-nmt/codes.js';
export { type LearnCodesOptions, learnCodes } from './subword-nmt/learn.js';
export { SubwordNmt, type SubwordNmtOptions } from './subword-nmt/tokenizer.js';
export { type TrainSubwordNmtOptions, trainSubwordNmt } from './subword-nmt/train.js';
export { isGzip, readBytes, readText } from './text-files.js';
export { TextStream } from './text-stream.js';
export { type AddedToken, specialToken } from './tokenizer-json.js';
export {
  type Documents,
  type TrainBpeOptions,
  type TrainWordLevelOptions,
  trainByteLevelBpe,
  trainWordLevel,
} from './train.js';
export type { BitextData, BitextSplit, CorpusData, CorpusFile, TextSource, Tokenizer } from './types.js';
export { WordLevel, type WordLevelOptions } from './word-level.js';
