/**
 * A TensorFlow.js backend that executes nothing: each kernel call appends ONNX nodes to the graph being traced and
 * infers the output's shape. Kernels whose inputs are all known constants are computed at once by the plain cpu backend.
 */
import * as tf from '@tensorflow/tfjs';
import type { ElementType, GraphBuilder } from '../onnx/graph.js';
import { sameShape, sizeOf } from '../ops/shape.js';
import type { DType } from '../types.js';

export const TRACE_BACKEND = 't2r-trace';

export type ConstantData = Float32Array | Int32Array | Uint8Array;

/** What is known of a tensor while tracing. */
export interface TraceValue {
  shape: number[];
  dtype: DType;
  /** Name in the graph; absent for constants that no node has used yet. */
  name?: string;
  /** Known contents, which kernels on constants are computed from. */
  constant?: ConstantData;
}

/** Throws where a dtype cannot be traced. */
export function traceType(dtype: tf.DataType): DType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new Error(`tensors of type '${dtype}' cannot be compiled to ONNX; use float32, int32 or bool`);
}

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/** Contents in the array that constants of the type have: `values` themselves where they are in one. */
export function asConstantData(values: tf.backend_util.BackendValues, dtype: DType): ConstantData {
  const Values = ARRAYS[dtype];
  return values instanceof Values ? values : new Values(values as ConstantData);
}

/** A copy of what a program holds, and may change. */
const copied = (values: tf.backend_util.BackendValues, dtype: DType): ConstantData =>
  new ARRAYS[dtype](values as ConstantData);

/** What TensorFlow.js knows a traced tensor by; it holds the value itself. */
class TraceData {
  value: TraceValue;

  constructor(value: TraceValue) {
    this.value = value;
  }
}

export class TraceBackend extends tf.KernelBackend {
  #graph: GraphBuilder | undefined;

  /** The graph being traced. */
  get graph(): GraphBuilder {
    if (this.#graph === undefined) throw new Error('tensors of a traced program were used outside of its tracing');
    return this.#graph;
  }

  /** Runs `body` with kernels appending to `graph`. Synchronous, so that traces cannot mix. */
  tracing<T>(graph: GraphBuilder, body: () => T): T {
    if (this.#graph !== undefined) throw new Error('a program cannot be compiled inside another one');
    this.#graph = graph;
    try {
      return body();
    } finally {
      this.#graph = undefined;
    }
  }

  /** Registers a value and returns what TensorFlow.js knows it by. */
  info(value: TraceValue): tf.TensorInfo {
    const dataId = new TraceData(value);
    if (value.name !== undefined) this.graph.describe(value.name, value.dtype, value.shape);
    return { dataId, shape: value.shape, dtype: value.dtype };
  }

  /** A tensor for a graph input or another named value. */
  tensor(value: TraceValue): tf.Tensor {
    const { dataId, shape, dtype } = this.info(value);
    return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype });
  }

  value(info: tf.TensorInfo): TraceValue {
    if (!(info.dataId instanceof TraceData))
      throw new Error('a tensor made outside of the program was used in it; pass it as an input');
    const { value } = info.dataId;
    // A reshaped tensor may share the data of another one.
    return sameShape(value.shape, info.shape) ? value : { ...value, shape: info.shape };
  }

  /** Name of a tensor in the graph; a constant enters the graph when it is first used. */
  name(info: tf.TensorInfo): string {
    const value = this.value(info);
    if (value.name !== undefined) return value.name;
    const data = value.constant!;
    return this.graph.constant(value.dtype as ElementType, value.shape, data);
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const type = traceType(dtype);
    return this.info({ shape, dtype: type, constant: copied(values, type) }).dataId;
  }

  override move(dataId: object, values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): void {
    const type = traceType(dtype);
    (dataId as TraceData).value = { shape, dtype: type, constant: copied(values, type) };
  }

  override readSync(dataId: object): tf.backend_util.BackendValues {
    const value = dataId instanceof TraceData ? dataId.value : undefined;
    if (value?.constant !== undefined) return value.constant;
    throw new Error(
      `a program read the contents of a tensor (${value?.name}) while it was compiled; programs must not branch on values`,
    );
  }

  override async read(dataId: object): Promise<tf.backend_util.BackendValues> {
    return this.readSync(dataId);
  }

  override disposeData(): boolean {
    return true;
  }
  override refCount(): number {
    return 1;
  }
  override incRef(): void {}
  override numDataIds(): number {
    return 0;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override dispose(): void {}
}

/** Every element of a constant if all are equal. */
export function uniformValue({ constant, shape }: TraceValue): number | undefined {
  if (constant === undefined || sizeOf(shape) === 0) return undefined;
  const first = constant[0]!;
  return constant.every((item) => item === first) ? first : undefined;
}
