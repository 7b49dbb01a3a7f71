export type { DecodingPoint, DecodingSpeed, DecodingSpeedOptions } from './decoding-speed.js';
export { measureDecoding } from './decoding-speed.js';
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
export type { KeptScore, TranslationData, TranslationRow } from './translation/run-translation.js';
export { splitCompounds } from './translation/tokenized-bleu.js';
