/**
 * What an engine is. A program is a plain function over TensorFlow.js tensors; an engine compiles it (the `onnx` engine
 * traces it once to an ONNX graph, the others run it as it is) and runs it with named inputs. What persists between runs
 * (parameters, optimizer state, recurrent state) lives in `Variables`, which several programs may share.
 */
import type {} from '@t2r/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { WeightsFile } from './onnx/weights-file.js';

export type DType = 'float32' | 'int32' | 'bool';
export type HostArray = Float32Array | Int32Array;
export interface TensorSpec {
  shape: readonly number[];
  /** Default 'float32'. 'bool' is fed as Int32Array of 0 and 1. */
  dtype?: DType;
}
export interface HostTensor extends TensorSpec {
  data: HostArray;
}

/** What a variable holds at first. */
export interface InitialTensor extends TensorSpec {
  /** Default: zeros. */
  data?: HostArray;
}

/** Which entry of a variable is copied where. */
export interface EntryCopy {
  /** Index along axis 0 of the source. */
  from: number;
  /** Index along axis 0 of the variable. */
  to: number;
  /** Variables with one of the same name and kind, where that is the source; they may have other sizes of axis 0 and `rows.axis`. */
  source?: Variables;
  /** Only rows `start` .. `end` - 1 along an axis after the first. Default: all. */
  rows?: { axis: number; start: number; end: number };
}

/** Named tensors that stay with the engine between runs. */
export interface Variables {
  names(): string[];
  has(name: string): boolean;
  spec(name: string): Required<TensorSpec>;
  /** A copy of the present value. */
  read(name: string): HostArray;
  /** Replaces the value; the length must fit the variable's shape. */
  write(name: string, data: HostArray): void;
  /**
   * Copies an entry along axis 0, whole or some rows of it, over another one: a hypothesis of beam search that goes on from
   * another takes over its state. Throws where one of them is outside its variable.
   */
  copyEntry(name: string, copy: EntryCopy): void;
  /** Adds a variable. Throws where the name is taken. */
  add(name: string, value: InitialTensor): void;
  dispose(): void;
}

/** In-place update of some rows of a variable along an axis, e.g. new keys into a cache [batch, heads, capacity, headDim]. */
export interface RowUpdate {
  /** Same shape as the variable, but `rows.shape[axis]` rows. */
  rows: Tensor;
  axis: number;
  /** Name of the int32 input that holds the first row to write: a scalar, or one for each entry along axis 0. */
  at: string;
}

export type TensorMap = Record<string, Tensor>;

export interface ProgramResult {
  /** Values handed back by `run`. */
  outputs: TensorMap;
  /** New values of variables, by variable name. */
  updates?: Record<string, Tensor | RowUpdate>;
}

/**
 * Pure: everything that varies from run to run comes in through `inputs` and `variables`. A function that is compiled again for the
 * same shapes, while a program of it is open, is not traced again.
 */
export type Program = (inputs: TensorMap, variables: TensorMap, random: DropoutSource) => ProgramResult;

/**
 * How the constants of a program are stored: matrices as halves, or as whole numbers of 8 or 4 bits with a scale for each 32.
 * What is computed with them, and variables, stay float32.
 */
export const WEIGHT_FORMATS = ['fp32', 'fp16', 'int8', 'int4'] as const;
export type WeightFormat = (typeof WEIGHT_FORMATS)[number];

/** ONNX Runtime's execution providers that engine `onnx` can be opened on. */
export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What matrix products are computed in; all else is float32. */
export const PRECISIONS = ['float32', 'float16'] as const;
export type Precision = (typeof PRECISIONS)[number];

export interface CompileOptions {
  /** For messages and exported files. */
  name: string;
  inputs: Record<string, TensorSpec>;
  /** Variables the program may read (only those it touches become inputs of the graph). */
  variables?: Variables;
  /** Weights that never change for this program: folded into the graph. Appear beside the variables under their names. */
  constants?: Record<string, HostTensor>;
  /** How `constants` are stored; engine `onnx` only, others take fp32 alone. Default fp32. */
  weights?: WeightFormat;
  /**
   * float16: operands of matrix products are rounded to halves, and so are their results, which are float32 to everything else.
   * Numbers beyond 65,504 become infinite. Engine `onnx` on providers that compute in halves; others refuse it. Default float32.
   */
  precision?: Precision;
  program: Program;
  /** Seed of the program's dropout masks. Default 0. */
  seed?: number;
  /**
   * Engine `onnx`: lay a run's tensors out in one block, planned at the first run. It comes beside what that run has allocated,
   * so that a program takes up to twice the memory; off, where there are many programs of one model. Default true.
   */
  memoryPattern?: boolean;
  /**
   * Engine `onnx`: threads stay awake for a while after a run. For a short program that runs by itself over and over, such as the
   * one-token step: waking them costs it up to a fifth. Off, where programs take turns: the threads of one slow down the next.
   * Default false.
   */
  spin?: boolean;
}

export interface RunOptions {
  /** Number of the run that dropout masks depend on, e.g. the optimizer step. Default 0. */
  step?: number;
}

export interface ProgramExportOptions {
  /**
   * Large weights go to a file beside it, `<path>.data`, or one of `writeWeightsFile` that several .onnx files of a folder share:
   * one .onnx file has room for 2 GB. Default false.
   */
  externalData?: boolean | WeightsFile;
  /**
   * What the graph's inputs and outputs are called: `traced` writes `input.<name>` and `output.<name>`, `own` the names that the
   * program gives them. Default traced.
   */
  names?: 'traced' | 'own';
}

export interface CompiledProgram {
  readonly name: string;
  /** Runs once; updates are in the variables when the promise resolves, and may be there in part where it rejects. Output arrays are the caller's to keep. */
  run(inputs: Record<string, HostArray>, options?: RunOptions): Promise<Record<string, HostArray>>;
  /** Writes the traced graph as an .onnx file (engine `onnx` only; others reject with a UserError). */
  export(path: string, options?: ProgramExportOptions): Promise<void>;
  dispose(): Promise<void>;
}

export interface Engine {
  readonly name: string;
  variables(initial?: Record<string, InitialTensor>): Variables;
  compile(options: CompileOptions): Promise<CompiledProgram>;
  dispose(): Promise<void>;
}

declare module '@t2r/core' {
  interface ComponentKinds {
    /** Lazily opened: creating the component touches no native library. */
    engine: {
      open(): Promise<Engine>;
      /** What the opened engine compiles products for. Default: float32 alone. */
      precisions?: readonly Precision[];
    };
  }
}

/**
 * Randomness inside a program. Masks are a pure function of (seed, step, site), so that a resumed run draws what an
 * uninterrupted one draws. Each call in a program is a new site.
 */
export interface DropoutSource {
  /** x with each element kept with probability 1 - rate and scaled by 1 / (1 - rate); x itself where rate is 0. */
  dropout(x: Tensor, rate: number): Tensor;
  /** The mask alone: 0 with probability rate, else 1 / (1 - rate). */
  mask(shape: readonly number[], rate: number): Tensor;
  /** `count` uniform integers in [0, bound), int32 [count]: which of several prepared values a step uses. */
  integers(count: number, bound: number): Tensor;
}
