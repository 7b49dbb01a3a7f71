export { type CheckpointSchedulerOptions, checkpointScheduler } from './batching/checkpoint-scheduler.js';
export {
  type BatchRequest,
  createScheduler,
  type Scheduler,
  type SchedulerFigures,
  type SchedulerOptions,
} from './batching/scheduler.js';
export type {
  BatchSequence,
  SequenceEnd,
  SequenceOptions,
  SequenceToken,
  TokenLogProb,
} from './batching/sequence.js';
export { type CheckpointGeneratorOptions, checkpointGenerator } from './checkpoint.js';
export type { GeneratedToken, GenerateOptions, StopReason } from './generate.js';
export { createGenerator, type GeneratorOptions, type TextGenerator } from './generator.js';
export {
  argmax,
  checkSampling,
  createSampler,
  logProbability,
  type Sampler,
  type SamplingOptions,
} from './sampling.js';
export type { BatchLimits } from './search/batching.js';
export type { Hypothesis, HypothesisEnd } from './search/hypothesis.js';
export { type LengthFormula, type LengthPenalty, lengthPenalty } from './search/length-penalty.js';
export { type LanguageSearchOptions, languageSearchModel, type SearchCall, type SearchModel } from './search/model.js';
export type { AtLimit, BeamSearchOptions, Stopping } from './search/options.js';
export {
  type BeamSearch,
  type BeamSearchSettings,
  createBeamSearch,
  type SearchInput,
  type StreamOptions,
} from './search/search.js';
export type { SearchSource } from './search/sentence.js';
export {
  type CheckpointSearchOptions,
  checkpointSearch,
  type TextHypothesis,
  type TextSearch,
} from './search/text-search.js';
export { type TranslationSearchOptions, translationSearchModel } from './search/translation-model.js';
export { readStateFile, writeStateFile } from './snapshot/files.js';
export { decodeSnapshot, encodeSnapshot, type SnapshotOptions } from './snapshot/format.js';
export { readPrompt } from './snapshot/read-prompt.js';
export type { GeneratorSnapshot, StateSnapshot } from './snapshot/snapshot.js';
export type { GenerateTextOptions } from './text.js';
export { createPairScorer, type PairScore, type PairScorer, type ScoredPair } from './translate/score-pairs.js';
export {
  type CheckpointTranslatorOptions,
  checkpointTranslator,
  type Translation,
  type Translator,
  tokenizerTokens,
} from './translate/translator.js';
