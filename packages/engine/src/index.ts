export { type WeightsFile, writeWeightsFile } from './onnx/weights-file.js';
export { openEngine } from './open.js';
export { causalAttention, causalSoftmax, type QueryBlock, queryBlocks } from './ops/causal-softmax.js';
export { crossEntropy, linearCrossEntropy } from './ops/cross-entropy.js';
export { embedding } from './ops/embedding.js';
export { gelu } from './ops/gelu.js';
export { geluTanh } from './ops/gelu-tanh.js';
export { layerNorm } from './ops/layer-norm.js';
export { linear } from './ops/linear.js';
export { chunkRows, type MeanCrossEntropyOptions, meanLinearCrossEntropy } from './ops/mean-cross-entropy.js';
export { recompute } from './ops/recompute.js';
export { relu } from './ops/relu.js';
export { rmsNorm } from './ops/rms-norm.js';
export { type RotaryPairs, rotate } from './ops/rotate.js';
export { sizeOf, toRows } from './ops/shape.js';
export { silu } from './ops/silu.js';
export type { GraphEditor, NodeAction } from './passes/graph-editor.js';
export { PASSES } from './passes/passes.js';
export type { GraphPass } from './passes/run-passes.js';
export { default, plugin } from './plugin.js';
export { PRECISION_HINT } from './precision.js';
export { defaultThreads } from './threads.js';
export type {
  CompiledProgram,
  CompileOptions,
  DropoutSource,
  DType,
  Engine,
  EntryCopy,
  HostArray,
  HostTensor,
  InitialTensor,
  Precision,
  Program,
  ProgramExportOptions,
  ProgramResult,
  Provider,
  RowUpdate,
  RunOptions,
  TensorMap,
  TensorSpec,
  Variables,
  WeightFormat,
} from './types.js';
export { PRECISIONS, PROVIDERS, WEIGHT_FORMATS } from './types.js';
