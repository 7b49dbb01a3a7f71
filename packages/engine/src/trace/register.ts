/** Registers the tracing backend with TensorFlow.js, once a process. */
import * as tf from '@tensorflow/tfjs';
import { asConstantData, TRACE_BACKEND, TraceBackend, traceType } from './backend.js';
import { elementwise } from './elementwise.js';
import { layout } from './layout.js';
import { KernelCall, type Lowering, type Lowerings } from './lowering.js';
import { products } from './matmul.js';
import { reductions } from './reductions.js';

const LOWERINGS: Lowerings = { ...elementwise, ...reductions, ...layout, ...products };

/** The part of the plain cpu backend that constants are computed with. */
interface CpuBackend {
  makeTensorInfo(shape: number[], dtype: tf.DataType, values: tf.backend_util.BackendValues): tf.TensorInfo;
  data: { get(dataId: object): { values: tf.backend_util.BackendValues } };
  disposeIntermediateTensorInfo(info: tf.TensorInfo): void;
}

/** TensorFlow.js's own cpu backend, without the advertisement it prints on first use. */
function plainCpu(): CpuBackend {
  const cpu = tf.engine().findBackend('cpu') as unknown as CpuBackend & { firstUse: boolean };
  cpu.firstUse = false;
  return cpu;
}

/** Computes a kernel on constants with the plain cpu backend. */
function fold(
  backend: TraceBackend,
  kernel: tf.KernelConfig,
  inputs: Record<string, tf.TensorInfo | undefined>,
  attrs: Record<string, unknown>,
): tf.TensorInfo | tf.TensorInfo[] {
  const cpu = plainCpu();
  const made: tf.TensorInfo[] = [];
  const hosted = Array.isArray(inputs) ? [] : {};
  for (const [key, info] of Object.entries(inputs)) {
    if (info === undefined) continue;
    const { shape, dtype, constant } = backend.value(info);
    const hostInfo = cpu.makeTensorInfo(shape, dtype, constant!);
    made.push(hostInfo);
    (hosted as Record<string, tf.TensorInfo>)[key] = hostInfo;
  }
  const result = kernel.kernelFunc({
    inputs: hosted as tf.NamedTensorInfoMap,
    attrs: attrs as tf.NamedAttrMap,
    backend: cpu,
  });
  const back = (info: tf.TensorInfo) => {
    const dtype = traceType(info.dtype);
    // Not copied: kernels leave what they are given alone, and so does everyone that reads a constant.
    const constant = asConstantData(cpu.data.get(info.dataId).values, dtype);
    made.push(info);
    return backend.info({ shape: info.shape, dtype, constant });
  };
  const folded = Array.isArray(result) ? result.map(back) : back(result);
  for (const info of made) cpu.disposeIntermediateTensorInfo(info);
  return folded;
}

function kernelFunc(
  name: string,
  lowering: Lowering | undefined,
  cpuKernel: tf.KernelConfig | undefined,
): tf.KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const trace = backend as TraceBackend;
    const operands = Object.values(inputs).filter((info) => info !== undefined) as tf.TensorInfo[];
    const constant = operands.every((info) => trace.value(info).constant !== undefined);
    if (constant && cpuKernel !== undefined) return fold(trace, cpuKernel, inputs, attrs ?? {});
    if (lowering === undefined) {
      throw new Error(
        `the TensorFlow.js kernel '${name}' cannot be compiled to ONNX; write the program with other ops`,
      );
    }
    return lowering(new KernelCall(trace, inputs, attrs ?? {}));
  };
}

/** The tracing backend; registered on the first call. */
export function traceBackend(): TraceBackend {
  const existing = tf.engine().findBackend(TRACE_BACKEND);
  if (existing !== null && existing !== undefined) return existing as TraceBackend;
  const backend = new TraceBackend();
  tf.registerBackend(TRACE_BACKEND, () => backend, 0);
  const cpuKernels = new Map(tf.getKernelsForBackend('cpu').map((kernel) => [kernel.kernelName, kernel]));
  for (const name of new Set([...cpuKernels.keys(), ...Object.keys(LOWERINGS)])) {
    const lowering = Object.hasOwn(LOWERINGS, name) ? LOWERINGS[name] : undefined;
    tf.registerKernel({
      kernelName: name,
      backendName: TRACE_BACKEND,
      kernelFunc: kernelFunc(name, lowering, cpuKernels.get(name)),
    });
  }
  return backend;
}
