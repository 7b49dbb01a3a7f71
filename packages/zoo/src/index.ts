export { type ConvertedTensor, exportTensors, importTensors } from './architectures/convert-tensors.js';
export { ARCHITECTURES, architectureOf } from './architectures/find.js';
export {
  type ExportedModel,
  type ExportOptions,
  exportModel,
  type ImportedModel,
  importAnyModel,
  importModel,
  readWeights,
} from './architectures/model.js';
export type { NameMap, NameRule } from './architectures/names.js';
export type { Architecture, JsonObject, TensorDescription, TensorReader } from './architectures/types.js';
export { type Writable, writableFamily } from './architectures/writable.js';
export {
  checkpointConfig,
  type LoadCheckpointOptions,
  loadCheckpoint,
  type SaveCheckpointOptions,
  saveCheckpoint,
} from './checkpoint.js';
export type { ElementType } from './elements.js';
export { type LazyTensor, type WritableTensor, writeSafetensors } from './formats/safetensors-write.js';
export { type ShardOptions, writeSafetensorsFolder } from './formats/shards-write.js';
export { type HubSettings, hubSettings } from './hub/settings.js';
export { type ConversionEstimate, type Inspection, type InspectOptions, inspectCheckpoint } from './inspect.js';
export { modelHash } from './model-hash.js';
export { openTensors, readTensors } from './open.js';
export { type OpenedModel, openModel } from './open-model.js';
export { plugin as default } from './plugin.js';
export type { LoadedTensor, TensorEntry, TensorFormat, TensorSource } from './tensor-source.js';
export type { Checkpoint, CheckpointConfig, CheckpointOrigin } from './types.js';
export { verifyWeights } from './verify.js';
