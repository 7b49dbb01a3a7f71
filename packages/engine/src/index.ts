export { openEngine } from './open.js';
export { causalAttention, causalSoftmax } from './ops/causal-softmax.js';
export { crossEntropy, linearCrossEntropy } from './ops/cross-entropy.js';
export { embedding } from './ops/embedding.js';
export { gelu } from './ops/gelu.js';
export { layerNorm } from './ops/layer-norm.js';
export { linear } from './ops/linear.js';
export { relu } from './ops/relu.js';
export { sizeOf, toRows } from './ops/shape.js';
export { default, plugin } from './plugin.js';
export type {
  CompiledProgram,
  CompileOptions,
  DropoutSource,
  DType,
  Engine,
  HostArray,
  HostTensor,
  Program,
  ProgramResult,
  RowUpdate,
  RunOptions,
  TensorMap,
  TensorSpec,
  Variables,
} from './types.js';
