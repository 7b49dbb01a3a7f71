export { type CreateBleuOptions, createBleu } from './bleu/bleu.js';
export { type BleuResult, BleuScore, type BleuStatistics, type ComputeBleuOptions, computeBleu } from './bleu/score.js';
export { SMOOTH_DEFAULTS, type Smoothing, type SmoothMethod } from './bleu/smoothing.js';
export { type ChrfReference, type CreateChrfOptions, createChrf } from './chrf/chrf.js';
export { ChrfScore } from './chrf/score.js';
export { SacrebleuError } from './errors.js';
export type { Accumulator, AccumulatorOptions, BootstrapOptions } from './metric/accumulator.js';
export type { Arithmetic, MetricKernel, NumpyValue } from './metric/kernel.js';
export type { Metric } from './metric/metric.js';
export type { MaybeReference, PreparedReferences, References } from './metric/references.js';
export { type Confidence, type FormatOptions, Score } from './metric/score.js';
export { type ReferenceCount, Signature, type SignatureEntry } from './metric/signature.js';
export type { SegmentStatistics } from './metric/statistics.js';
export type { Seed } from './random/draws.js';
export { corpusBleu, corpusChrf, corpusTer, sentenceBleu, sentenceChrf, sentenceTer } from './shortcuts.js';
export {
  comparePaired,
  type PairedInput,
  type PairedMetric,
  type PairedOptions,
  type PairedResult,
  type PairedTestName,
  type PairedTestOptions,
  pairedTest,
} from './significance/paired.js';
export { type CreateTerOptions, createTer, TerScore } from './ter/ter.js';
export { tokenizerIntl } from './tokenizers/intl.js';
export { tokenizerChar, tokenizerNone } from './tokenizers/plain.js';
export { type TercomOptions, tercomWords } from './tokenizers/tercom.js';
export { tokenizer13a } from './tokenizers/thirteen-a.js';
export {
  BUILT_IN_TOKENIZERS,
  type BuiltInTokenizer,
  PLUGGABLE_TOKENIZERS,
  type PluggableTokenizer,
  type Tokenizer,
  type TokenizerName,
} from './tokenizers/tokenizer.js';
export { tokenizerZh } from './tokenizers/zh.js';
export { VERSION } from './version.js';
