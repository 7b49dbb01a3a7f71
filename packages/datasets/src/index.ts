export { type Batch, type Blocks, type BlocksOptions, createBlocks } from './blocks.js';
export { type DocumentRange, readDocuments } from './documents.js';
export type { PairBatch, PairIds } from './pairs/batch.js';
export {
  createEvaluationBatches,
  type EvaluationBatches,
  type PairEvaluationOptions,
} from './pairs/evaluation-batches.js';
export { createPairBatches, type PairBatches, type PairBatchesOptions } from './pairs/pair-batches.js';
export { type EncodedPair, openPairs, writePairs } from './pairs/pair-files.js';
export { assignShapes, type BatchShape, chooseShapes, DEFAULT_SHAPES, type ShapeOptions } from './pairs/shapes.js';
export type {
  Lengths,
  PairReader,
  PairsData,
  PairsFile,
  PairsSide,
  PairsSplit,
  PlannedPairs,
} from './pairs/types.js';
export { plugin as default } from './plugin.js';
export { generateStories } from './stories.js';
export { checkSplit, openTokens, tokenDtype, writeTokens } from './token-file.js';
export { type EncodedCounts, encodeDocuments } from './tokens-step.js';
export type {
  BitextData,
  BitextSplit,
  CorpusData,
  CorpusFile,
  PlannedBitext,
  PlannedCorpus,
  PlannedTokens,
  TextSource,
  TokenReader,
  TokensData,
  TokensSplit,
} from './types.js';
export { type EvaluationWindow, type EvaluationWindowsOptions, evaluationWindows } from './windows.js';
