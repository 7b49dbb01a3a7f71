export { type Batch, type Blocks, type BlocksOptions, createBlocks } from './blocks.js';
export { type DownloadOptions, download } from './download.js';
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
