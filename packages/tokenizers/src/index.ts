export { ByteLevelBpe, type ByteLevelBpeOptions } from './byte-level-bpe.js';
export { loadTokenizer, parseTokenizer, TOKENIZER_FILE } from './load.js';
export { safePieces } from './pieces.js';
export { plugin as default } from './plugin.js';
export { isGzip, readText } from './text-files.js';
export { TextStream } from './text-stream.js';
export { type AddedToken, specialToken } from './tokenizer-json.js';
export {
  type Documents,
  type TrainBpeOptions,
  type TrainWordLevelOptions,
  trainByteLevelBpe,
  trainWordLevel,
} from './train.js';
export type { CorpusData, CorpusFile, TextSource, Tokenizer } from './types.js';
export { WordLevel, type WordLevelOptions } from './word-level.js';
