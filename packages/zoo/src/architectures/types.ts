/** What an architecture is: how its configuration and the names of its tensors become this project's, and back. */
import type { LmConfig, ModelConfig } from '@t2r/models';
import type { NameMap } from './names.js';

/** The least that is asked of an open checkpoint. Tensors stay on disk until one is read. */
export interface TensorReader {
  /** What was opened, for messages. */
  readonly path: string;
  readonly entries: ReadonlyMap<string, TensorDescription>;
  /** One tensor, row-major. */
  read(name: string): Promise<{ readonly shape: readonly number[]; readonly data: Float32Array | Int32Array }>;
}

export interface TensorDescription {
  /** Element type in the file, by the names of safetensors: F32, BF16, I64, ... */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** What `read` makes of it, where that does not follow from the type: quantised weights that become floats. */
  readonly reads?: 'float32' | 'int32';
  /** Another tensor that consists of the same stored elements. */
  readonly tiedTo?: string;
}

export type JsonObject = Record<string, unknown>;

export interface Architecture<Config extends ModelConfig = LmConfig> {
  /** Name of the family. */
  readonly name: string;
  /** The kind of its models. */
  readonly use: Config['use'];
  /** True where this family wrote the configuration. */
  matches(config: JsonObject): boolean;
  /**
   * This project's configuration of theirs, with softmax attention.
   *
   * @throws UserError naming each option that is missing, of the wrong type or not supported
   */
  read(config: JsonObject, reader?: TensorReader): Config | Promise<Config>;
  /** Their configuration of this project's. Absent where nothing could read it. */
  write?(config: Config, base: JsonObject): JsonObject;
  /** The names of a model's tensors. */
  names(config: Config, reader?: TensorReader): NameMap;
}
