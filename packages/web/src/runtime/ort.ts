/** onnxruntime-web, of which only the part that a backend needs is loaded. */
import { UserError } from '@t2r/core/errors';
import type * as ort from 'onnxruntime-web';
import type { Backend, RuntimeOptions } from '../types.js';

export type Ort = Pick<typeof ort, 'InferenceSession' | 'Tensor' | 'env'>;

export interface Runtime {
  ort: Ort;
  backend: Backend;
  threads: number;
}

/** More threads than this do not make a step of one token faster. */
const MAX_THREADS = 4;

/** Loads the runtime of a backend. @throws UserError where the browser cannot run it. */
export async function openRuntime({ backend = 'wasm', threads, wasmPaths }: RuntimeOptions = {}): Promise<Runtime> {
  if (backend === 'webgpu') await checkWebGpu();
  let ort: Ort;
  try {
    ort = await (backend === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm'));
  } catch (cause) {
    throw new UserError(`onnxruntime-web could not be loaded: ${(cause as Error).message}`, {
      hint: 'Check the connection and load the page again.',
      cause,
    });
  }
  const { wasm } = ort.env;
  if (wasmPaths !== undefined) wasm.wasmPaths = wasmPaths;
  wasm.numThreads = threads ?? defaultThreads();
  return { ort, backend, threads: wasm.numThreads };
}

/** Threads share memory, which browsers allow to isolated pages alone. */
function defaultThreads(): number {
  if (globalThis.crossOriginIsolated !== true) return 1;
  return Math.max(1, Math.min(MAX_THREADS, Math.ceil((globalThis.navigator?.hardwareConcurrency ?? 1) / 2)));
}

async function checkWebGpu(): Promise<void> {
  const { gpu } = (globalThis.navigator ?? {}) as { gpu?: { requestAdapter(): Promise<object | null> } };
  const adapter = gpu === undefined ? null : await gpu.requestAdapter().catch(() => null);
  if (adapter === null)
    throw new UserError(
      gpu === undefined ? 'this browser has no WebGPU' : 'WebGPU is there but finds no graphics adapter',
      { hint: 'Choose the backend wasm, which runs everywhere.' },
    );
}
