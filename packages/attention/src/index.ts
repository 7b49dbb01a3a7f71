export { angleRows, angleTable } from './angle-rows.js';
export type {
  Attention,
  AttentionParameters,
  AttentionShape,
  CrossAttention,
  FeatureMap,
  Folding,
  FusableWeights,
  FusedWeights,
  Initializer,
  ParallelOptions,
  ParameterSpec,
  QueryKeyProjections,
  RecurrentOptions,
  RecurrentResult,
  Rotation,
  StateSpec,
  StateUpdate,
} from './contract.js';
export { type EluOptions, eluAttention, eluFeatureMap } from './elu.js';
export { type FavorOptions, favorAttention, favorFeatureMap } from './favor.js';
export { type AffineMap, fuseFeatureMap } from './fuse.js';
export type { GateKind } from './gates.js';
export { type HedgehogOptions, hedgehogAttention, hedgehogFeatureMap } from './hedgehog.js';
export { type LinearAttentionOptions, type LinearForm, linearAttention, type RotateSide } from './linear.js';
export type { ScaleSide } from './per-head.js';
export { plugin as default } from './plugin.js';
export { type RandomFeatureOptions, randomFeatureAttention, randomFeatureMap } from './random-feature.js';
export type { Projections } from './random-projections.js';
export {
  createRotation,
  type RotaryOptions,
  type RotaryScaling,
  rotaryFrequencies,
  rotateInputs,
} from './rotary.js';
export { softmaxAttention } from './softmax.js';
export { type SoftmaxWindowOptions, softmaxWindowAttention } from './softmax-window.js';
export { type T2rMlpOptions, t2rFeatureMap, t2rMlpAttention } from './t2r-mlp.js';
export { type T2rNormOptions, t2rNormAttention } from './t2r-norm.js';
export { type WindowLinearOptions, windowLinearAttention } from './window-linear.js';
