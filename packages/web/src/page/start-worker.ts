/** The worker of the page, and where the runtime's files are: built into the page, so that it needs no other server. */
import asyncifyMjs from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import asyncifyWasm from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import wasmMjs from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmWasm from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import type { Backend, RuntimeOptions } from '../types.js';
import ModelWorker from '../worker/entry.js?worker';

export const startWorker = (): Worker => new ModelWorker({ name: 'model' });

const absolute = (address: string) => new URL(address, location.href).href;

/** Addresses of onnxruntime-web's files for a backend. */
export function wasmPaths(backend: Backend): NonNullable<RuntimeOptions['wasmPaths']> {
  return backend === 'webgpu'
    ? { mjs: absolute(asyncifyMjs), wasm: absolute(asyncifyWasm) }
    : { mjs: absolute(wasmMjs), wasm: absolute(wasmWasm) };
}
