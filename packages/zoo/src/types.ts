/** The checkpoint folder: model.safetensors, config.json (the model's + provenance) and tokenizer.json beside them. */
import type { LmConfig, ModelConfig } from '@t2r/models';

export interface CheckpointConfig<Model extends ModelConfig = LmConfig> {
  format: 't2r-checkpoint';
  version: 1;
  model: Model;
  /** Where the weights come from: step, key, what was swapped, losses. Free-form JSON. */
  provenance?: Record<string, unknown>;
}

export interface Checkpoint<Model extends ModelConfig = LmConfig> {
  config: CheckpointConfig<Model>;
  /** By parameter name, row-major float32. */
  weights: Record<string, { shape: number[]; data: Float32Array }>;
  /** Path of tokenizer.json or tokenizer.model, when the folder has one. */
  tokenizer?: string;
  /** The same of source-tokenizer.json or .model: of sources that have another tokenizer than targets. */
  sourceTokenizer?: string;
}
