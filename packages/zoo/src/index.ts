export { type ConvertedTensor, exportTensors, importTensors } from './architectures/convert-tensors.js';
export { ARCHITECTURES, architectureOf } from './architectures/find.js';
export {
  type ExportedModel,
  type ExportOptions,
  exportModel,
  type ImportedModel,
  importModel,
  readWeights,
} from './architectures/model.js';
export type { NameMap, NameRule } from './architectures/names.js';
export type { Architecture, JsonObject, TensorDescription, TensorReader } from './architectures/types.js';
export {
  type LoadCheckpointOptions,
  loadCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from './checkpoint.js';
export type { SafetensorsDType, SafetensorsEntry } from './safetensors-header.js';
export { type LoadedTensor, openSafetensors, readSafetensors, type SafetensorsFile } from './safetensors-read.js';
export { writeSafetensors } from './safetensors-write.js';
export type { Checkpoint, CheckpointConfig } from './types.js';
export { verifyWeights } from './verify.js';
