export type {
  Attention,
  AttentionParameters,
  AttentionShape,
  FusableWeights,
  FusedWeights,
  Initializer,
  ParallelOptions,
  ParameterSpec,
  RecurrentOptions,
  RecurrentResult,
  StateSpec,
  StateUpdate,
} from './contract.js';
export { type AffineMap, fuseFeatureMap } from './fuse.js';
export { type FeatureMap, type LinearAttentionOptions, type LinearForm, linearAttention } from './linear.js';
export { plugin as default } from './plugin.js';
export { softmaxAttention } from './softmax.js';
export { type T2rMlpOptions, t2rFeatureMap, t2rMlpAttention } from './t2r-mlp.js';
