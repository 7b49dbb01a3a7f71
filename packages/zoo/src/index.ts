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
