export { attentionShape } from './architecture.js';
export { architectureOptions } from './architecture-options.js';
export { decodingFlops, mixingFlops, parameterCount, trainingFlops } from './cost.js';
export { buildLanguageModel, createLanguageModel } from './decoder-lm.js';
export { buildTranslationModel, createTranslationModel } from './encoder-decoder.js';
export {
  type AnyModel,
  buildModel,
  configOf,
  isTranslation,
  languageModel,
  type ModelBuilder,
  type ModelConfigs,
  translationModel,
} from './model-kinds.js';
export { modelPlan, type PlannedCheckpoint, plannedConfig, plannedModel, plannedModelOf } from './model-plan.js';
export { type AttentionPlace, attentionParameterNames } from './own-names.js';
export { initialParameter, initialWeights } from './parameters.js';
export { plugin as default } from './plugin.js';
export { type Sinusoids, sinusoidalTable } from './positions.js';
export { encodingFlops, translatingFlops, translationTrainingFlops } from './translation-cost.js';
export { translationOptions } from './translation-schema.js';
export type {
  EncodedSource,
  ModelConfig,
  StackConfig,
  TranslationConfig,
  TranslationModel,
  TranslationOptions,
  TranslationTokens,
} from './translation-types.js';
export type {
  AdaptiveConfig,
  DecodeResult,
  ForwardOptions,
  LanguageModel,
  LmConfig,
  ObservedAttention,
  StepOptions,
  Weights,
} from './types.js';
