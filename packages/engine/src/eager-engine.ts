/**
 * Runs programs as they are on an ordinary TensorFlow.js backend: plain `cpu` (tests), or the native bindings where the
 * user has installed them. Slow but simple; it defines what a compiled program must give.
 */
import { createRandom, deriveSeed, UserError } from '@t2r/core';
import * as tf from '@tensorflow/tfjs';
import { checkFeeds, HostVariables, writeRows } from './host-variables.js';
import { sizeOf } from './ops/shape.js';
import { refusePrecision } from './precision.js';
import type {
  CompiledProgram,
  CompileOptions,
  DropoutSource,
  Engine,
  HostArray,
  InitialTensor,
  RowUpdate,
  TensorMap,
  TensorSpec,
  Variables,
} from './types.js';

function toTensor(spec: TensorSpec, data: HostArray): tf.Tensor {
  return tf.tensor(data, [...spec.shape], spec.dtype ?? 'float32');
}

/** Masks and integers drawn on the host, from (seed, step, site). */
function hostDropout(seed: number, step: number): DropoutSource {
  let site = 0;
  const mask = (shape: readonly number[], rate: number) => {
    const random = createRandom(seed, 'dropout', step, site++);
    const keep = 1 / (1 - rate);
    const values = Float32Array.from({ length: sizeOf(shape) }, () => (random.uniform() < rate ? 0 : keep));
    return tf.tensor(values, [...shape]);
  };
  const integers = (count: number, bound: number) =>
    tf.tensor1d(
      Array.from({ length: count }, () => deriveSeed(seed, 'dropout', step, site++) % bound),
      'int32',
    );
  return { mask, integers, dropout: (x, rate) => (rate === 0 ? x : tf.mul(x, mask(x.shape, rate))) };
}

function isRowUpdate(update: tf.Tensor | RowUpdate): update is RowUpdate {
  return 'rows' in update;
}

/** Opens an engine over the TensorFlow.js backend `backend`, which must be registered. */
export async function openEagerEngine(name: string, backend: string): Promise<Engine> {
  if (!(await tf.setBackend(backend))) {
    throw new UserError(`TensorFlow.js has no backend '${backend}'`, { hint: `Choose another engine than '${name}'.` });
  }
  // The plain cpu backend prints an advertisement for its native sibling on first use.
  (tf.backend() as { firstUse?: boolean }).firstUse = false;
  return {
    name,
    variables: (initial: Record<string, InitialTensor> = {}): Variables => new HostVariables(initial),
    compile: async (options: CompileOptions) => compileEager(options, backend),
    dispose: async () => {},
  };
}

function compileEager(options: CompileOptions, backend: string): CompiledProgram {
  const { weights = 'fp32', precision = 'float32' } = options;
  if (precision !== 'float32')
    throw refusePrecision(options.name, precision, 'an engine that runs programs as they are');
  if (weights !== 'fp32')
    throw new UserError(`only the 'onnx' engine stores weights as ${weights}`, {
      hint: 'Run with engine: { use: onnx }, or with weights in fp32.',
    });
  const variables = options.variables as HostVariables | undefined;
  const run: CompiledProgram['run'] = async (feeds, { step = 0 } = {}) => {
    checkFeeds(options, feeds);
    await tf.setBackend(backend);
    tf.engine().startScope();
    try {
      const inputs: TensorMap = {};
      for (const [key, spec] of Object.entries(options.inputs)) inputs[key] = toTensor(spec, feeds[key]!);
      const values: TensorMap = {};
      for (const key of variables?.names() ?? []) values[key] = toTensor(variables!.spec(key), variables!.current(key));
      for (const [key, constant] of Object.entries(options.constants ?? {})) {
        values[key] = toTensor(constant, constant.data);
      }
      const result = options.program(inputs, values, hostDropout(options.seed ?? 0, step));
      const outputs: Record<string, HostArray> = {};
      for (const [key, tensor] of Object.entries(result.outputs)) outputs[key] = tensor.dataSync().slice() as HostArray;
      // Tensors may share the arrays of the variables they come from: all are read before one is written.
      const updates = Object.entries(result.updates ?? {}).map(([key, update]) => {
        const tensor = isRowUpdate(update) ? update.rows : update;
        return { key, update, data: tensor.dataSync().slice() as HostArray };
      });
      for (const { key, update, data } of updates) {
        if (isRowUpdate(update)) writeRows(variables!, key, data, update.rows.shape, update.axis, feeds[update.at]!);
        else variables!.write(key, data);
      }
      return outputs;
    } finally {
      tf.engine().endScope();
    }
  };
  const refuse = async () => {
    throw new UserError(`cannot export '${options.name}': only the 'onnx' engine writes .onnx files`, {
      hint: 'Run with engine: { use: onnx }.',
    });
  };
  return { name: options.name, run, export: refuse, dispose: async () => {} };
}
