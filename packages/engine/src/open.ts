/** Opens engines by name. The heavy libraries are loaded here, not when the package is imported. */
import { UserError } from '@t2r/core';
import type { OnnxEngineOptions } from './onnx-engine.js';
import type { Engine } from './types.js';

export type EngineName = 'onnx' | 'cpu' | 'tfjs-node' | 'tfjs-node-gpu';

/**
 * Opens an engine: `onnx` (compiles to ONNX Runtime), `cpu` (plain TensorFlow.js), `tfjs-node` and `tfjs-node-gpu`
 * (native TensorFlow, optional packages). Throws UserError where the package behind it is not installed.
 */
export async function openEngine(name: EngineName, options: Partial<OnnxEngineOptions> = {}): Promise<Engine> {
  if (name === 'onnx') return (await import('./onnx-engine.js')).openOnnxEngine(options);
  const { openEagerEngine } = await import('./eager-engine.js');
  if (name === 'cpu') return openEagerEngine(name, 'cpu');
  await importNative(`@tensorflow/${name}`);
  return openEagerEngine(name, 'tensorflow');
}

/** Imports an optional native package or says how to get it. */
async function importNative(name: string): Promise<void> {
  try {
    await import(name);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND';
    const what = missing ? 'is not installed' : `could not be loaded: ${(cause as Error).message.split('\n')[0]}`;
    throw new UserError(`the engine needs the optional package ${name}, which ${what}`, {
      hint: `Run 'npm install ${name}' (it downloads TensorFlow's native library), or use engine: { use: onnx }.`,
      cause,
    });
  }
}
