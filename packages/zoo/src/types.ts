/** The checkpoint folder: model.safetensors, config.json (the model's + provenance) and tokenizer.json beside them. */
import type { LmConfig, ModelConfig } from '@t2r/models';

/** Where a loaded model came from, and what of it this project has no word for: carried along, so that it can be written again. */
export interface CheckpointOrigin {
  /** What was loaded: a path, or `hf:owner/name@commit`. */
  from?: string;
  /** SHA-256 of its files of weights, by name. */
  sha256?: Record<string, string>;
  /** Family: gpt2, llama, ... */
  architecture?: string;
  /** Format of its files. */
  format?: string;
  /** Its config.json. */
  config?: Record<string, unknown>;
  /** Its generation_config.json and tokenizer_config.json. */
  generationConfig?: Record<string, unknown>;
  tokenizerConfig?: Record<string, unknown>;
  /** Licence that its card states. */
  licence?: string;
}

export interface CheckpointConfig<Model extends ModelConfig = LmConfig> {
  format: 't2r-checkpoint';
  version: 1;
  model: Model;
  /** Where the weights come from: step, key, what was swapped, losses. Free-form JSON. */
  provenance?: Record<string, unknown>;
  /** Where a model of another project began; steps that change it pass it on. */
  origin?: CheckpointOrigin;
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
