export {
  formatPerplexityProtocol,
  type PerplexityProtocol,
  type PerplexityResult,
  summarizePerplexity,
} from './perplexity-protocol.js';
export { plugin as default } from './plugin.js';
export type { GenerationData } from './run-generation.js';
export type { PerplexityData, PerplexityRow } from './run-perplexity.js';
export { compileScoring, type Score, type ScoreOptions, type ScoringShape, scoreTokens } from './score.js';
export { type BreakEven, type SpeedAt, speedBreakEven, stateBreakEven } from './speed/break-even.js';
export {
  type DecodingPoint,
  type DecodingSpeed,
  type DecodingSpeedOptions,
  type DecodingSubject,
  measureDecoding,
} from './speed/decoding-speed.js';
export { garbageCollector, type MemoryGrowth, type MemoryGrowthOptions, measureMemory } from './speed/memory.js';
export { decodingSubject, type LoadedModel, loadModel, randomModel, translatingSubject } from './speed/subject.js';
export {
  measureTranslating,
  type TranslatingPoint,
  type TranslatingSpeed,
  type TranslatingSpeedOptions,
  type TranslatingSubject,
} from './speed/translating-speed.js';
export { median } from './statistics.js';
export type { TranslationSpeedData } from './translation/run-speed.js';
export type { KeptScore, TranslationData, TranslationRow } from './translation/run-translation.js';
export { splitCompounds } from './translation/tokenized-bleu.js';
