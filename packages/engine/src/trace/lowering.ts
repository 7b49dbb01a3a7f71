/** How kernels are lowered: a lowering turns one TensorFlow.js kernel call into ONNX nodes. */
import type * as tf from '@tensorflow/tfjs';
import type { Attribute, ElementType, GraphBuilder } from '../onnx/graph.js';
import type { DType } from '../types.js';
import type { TraceBackend, TraceValue } from './backend.js';

/** A traced operand: its name in the graph, shape and dtype. */
export interface Operand {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: DType;
  readonly value: TraceValue;
}

export interface EmitOptions {
  attributes?: Record<string, Attribute>;
  domain?: string;
  dtype?: DType;
}

/** One kernel call, seen by its lowering. */
export class KernelCall {
  readonly #backend: TraceBackend;
  readonly #inputs: Record<string, tf.TensorInfo | undefined>;
  readonly attrs: Record<string, unknown>;

  constructor(
    backend: TraceBackend,
    inputs: Record<string, tf.TensorInfo | undefined>,
    attrs: Record<string, unknown> = {},
  ) {
    this.#backend = backend;
    this.#inputs = inputs;
    this.attrs = attrs;
  }

  get graph(): GraphBuilder {
    return this.#backend.graph;
  }

  #operand(info: tf.TensorInfo): Operand {
    const backend = this.#backend;
    const value = backend.value(info);
    return {
      shape: value.shape,
      dtype: value.dtype,
      value,
      // Constants enter the graph only when a node uses them.
      get name() {
        return backend.name(info);
      },
    };
  }

  in(name: string): Operand {
    const info = this.#inputs[name];
    if (info === undefined) throw new Error(`kernel input '${name}' is missing`);
    return this.#operand(info);
  }

  /** Inputs of kernels that take a list. */
  all(): Operand[] {
    return Object.values(this.#inputs).flatMap((info) => (info === undefined ? [] : [this.#operand(info)]));
  }

  attr<T>(name: string): T {
    return this.attrs[name] as T;
  }

  /** The tensor that stands for a value already in the graph. */
  result(name: string, shape: readonly number[], dtype: DType): tf.TensorInfo {
    return this.#backend.info({ name, shape: [...shape], dtype });
  }

  /** A constant result. */
  constant(constant: Float32Array | Int32Array | Uint8Array, shape: readonly number[], dtype: DType): tf.TensorInfo {
    return this.#backend.info({ constant, shape: [...shape], dtype });
  }

  /** The same value under another shape or name, without a node. */
  alias(x: Operand): tf.TensorInfo {
    return this.#backend.info(x.value);
  }

  /** Appends one node with one output. */
  emit(op: string, inputs: readonly string[], shape: readonly number[], options: EmitOptions = {}): tf.TensorInfo {
    const { dtype = 'float32', ...rest } = options;
    return this.result(this.graph.op(op, [...inputs], rest), shape, dtype);
  }

  /** A scalar constant of the operand's type. */
  scalar(value: number, dtype: DType): string {
    const data =
      dtype === 'float32' ? Float32Array.of(value) : dtype === 'int32' ? Int32Array.of(value) : Uint8Array.of(value);
    return this.graph.constant(dtype as ElementType, [], data);
  }
}

export type Lowering = (call: KernelCall) => tf.TensorInfo | tf.TensorInfo[];
export type Lowerings = Record<string, Lowering>;
