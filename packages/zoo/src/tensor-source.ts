/** What every checkpoint format looks like from outside: named tensors that stay on disk until one is asked for. */
import type { HostTensor } from '@t2r/engine';
import type { ElementType } from './elements.js';
import { type Fail, quoted } from './format-error.js';
import type { StoredView } from './read-view.js';

/** A host tensor with its element type given: 'float32' or 'int32'. */
export type LoadedTensor = Required<HostTensor>;

export type TensorFormat = 'safetensors' | 'pytorch' | 'numpy' | 'ctranslate2';

/** What is known of a tensor without reading it. */
export interface TensorEntry {
  readonly name: string;
  /** Element type in the file, by the names that safetensors gives them. */
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Element type that `read` gives: floats and quantised weights become float32, integers and booleans int32. */
  readonly reads: 'float32' | 'int32';
  /** Bytes of its elements in the file, quantisation scales not counted. */
  readonly bytes: number;
  /** An earlier tensor of the file that consists of the same stored elements: tied weights are in the file once. */
  readonly tiedTo?: string;
}

/**
 * An open checkpoint: the one interface between file formats and everything that uses weights. Only what describes the
 * tensors is in memory. Close it when done.
 */
export interface TensorSource {
  /** What was opened, for messages: a file or a folder. */
  readonly path: string;
  readonly format: TensorFormat;
  /** The files that hold the tensors: one, or the shards. */
  readonly files: readonly string[];
  /** By name, in the file's order. */
  readonly entries: ReadonlyMap<string, TensorEntry>;
  /**
   * What the file says beside its tensors, as plain JSON values: safetensors' strings, a PyTorch checkpoint's `args`,
   * `cfg` and the like, CTranslate2's `spec` and `revision`.
   */
  readonly metadata: Readonly<Record<string, unknown>>;
  /**
   * Reads one tensor, row-major. Needs memory for the result and little more, whatever the type in the file; each call
   * reads anew and the result is the caller's.
   *
   * @throws UserError when there is no such tensor, the file is damaged or an integer does not fit 32 bits
   */
  read(name: string): Promise<LoadedTensor>;
  close(): Promise<void>;
}

/** An entry that knows where its elements lie. */
export type StoredEntry = TensorEntry & StoredView;

/** The entry of that name. @throws UserError when there is none */
export function entryOf<T extends TensorEntry>(entries: ReadonlyMap<string, T>, name: string, fail: Fail): T {
  const entry = entries.get(name);
  if (entry === undefined) throw fail(`there is no tensor ${quoted(name)}`, 'Check the name.');
  return entry;
}
