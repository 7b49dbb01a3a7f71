/** Traces a program to an ONNX graph. */
import * as tf from '@tensorflow/tfjs';
import { GraphBuilder } from '../onnx/graph.js';
import { PASSES } from '../passes/passes.js';
import { type GraphPass, runPasses } from '../passes/run-passes.js';
import type { CompileOptions, DType, RowUpdate, TensorMap } from '../types.js';
import { TRACE_BACKEND, type TraceBackend } from './backend.js';
import { type DropoutSite, TracedDropout } from './dropout.js';
import { traceBackend } from './register.js';

/** A value that the graph hands back. */
export interface TracedOutput {
  /** The program's name for it: an output, or the variable it updates. */
  key: string;
  /** Name of the graph output. */
  name: string;
  shape: number[];
  dtype: DType;
  /** For rows of a variable: where they go. */
  rows?: { axis: number; at: string };
}

export interface TracedProgram {
  graph: GraphBuilder;
  /** Variables that the program reads: the graph has an input `variable.<name>` for each. */
  reads: string[];
  outputs: TracedOutput[];
  updates: TracedOutput[];
  sites: DropoutSite[];
}

export const inputName = (name: string) => `input.${name}`;
export const variableName = (name: string) => `variable.${name}`;

/** A graph input; booleans come in as int32. */
function inputTensor(backend: TraceBackend, name: string, shape: readonly number[], dtype: DType): tf.Tensor {
  const declared = backend.graph.input(name, dtype === 'bool' ? 'int32' : dtype, shape);
  const tensor = backend.tensor({ name: declared, shape: [...shape], dtype: dtype === 'bool' ? 'int32' : dtype });
  return dtype === 'bool' ? tf.cast(tensor, 'bool') : tensor;
}

/** Variables and constants by name, which enter the graph when the program first touches them. */
function lazyTensors(options: CompileOptions, backend: TraceBackend, reads: string[]): TensorMap {
  const tensors: TensorMap = {};
  const lazily = (name: string, make: () => tf.Tensor) => {
    let made: tf.Tensor | undefined;
    Object.defineProperty(tensors, name, {
      enumerable: true,
      get: () => {
        made ??= make();
        return made;
      },
    });
  };
  for (const name of options.variables?.names() ?? []) {
    const { shape, dtype } = options.variables!.spec(name);
    lazily(name, () => {
      reads.push(name);
      return inputTensor(backend, variableName(name), shape, dtype);
    });
  }
  for (const [name, { shape, dtype = 'float32', data }] of Object.entries(options.constants ?? {})) {
    lazily(name, () => {
      // Named, and without known contents: weights are not folded while tracing.
      const stored = backend.graph.constant(dtype, shape, data, name);
      return backend.tensor({ name: stored, shape: [...shape], dtype });
    });
  }
  return tensors;
}

/**
 * Declares graph outputs under the given kind of name, and notes in `renamed` which value takes which name. A value that is
 * an input or a constant, or is handed out twice, gets a node of its own.
 */
function declareOutputs(
  backend: TraceBackend,
  kind: string,
  tensors: Record<string, tf.Tensor | RowUpdate>,
  renamed: Map<string, string>,
): TracedOutput[] {
  const { graph } = backend;
  return Object.entries(tensors).map(([key, item]) => {
    const rows = 'rows' in item ? { axis: item.axis, at: item.at } : undefined;
    const given = 'rows' in item ? item.rows : item;
    const tensor = given.dtype === 'bool' ? tf.cast(given, 'int32') : given;
    const name = `${kind}.${key}`;
    const source = backend.name(tensor);
    const { shape, dtype } = backend.value(tensor);
    const free = graph.produces(source) && !renamed.has(source);
    renamed.set(free ? source : graph.op('Identity', [source]), name);
    graph.output(name, dtype, shape);
    return { key, name, shape, dtype, rows };
  });
}

/**
 * Runs the program once on symbolic tensors and simplifies its graph. Throws where it uses what cannot be compiled.
 *
 * @param passes what simplifies the graph; see `runPasses`
 */
export function traceProgram(options: CompileOptions, passes: readonly GraphPass[] = PASSES): TracedProgram {
  const backend = traceBackend();
  const graph = new GraphBuilder();
  const previous = tf.getBackend();
  // The factory is synchronous, so the backend is switched when this returns.
  void tf.setBackend(TRACE_BACKEND);
  tf.engine().startScope();
  try {
    return backend.tracing(graph, () => {
      const inputs: TensorMap = {};
      for (const [name, { shape, dtype = 'float32' }] of Object.entries(options.inputs)) {
        inputs[name] = inputTensor(backend, inputName(name), shape, dtype);
      }
      const reads: string[] = [];
      const random = new TracedDropout(backend);
      const result = options.program(inputs, lazyTensors(options, backend, reads), random);
      const renamed = new Map<string, string>();
      const outputs = declareOutputs(backend, 'output', result.outputs, renamed);
      const updates = declareOutputs(backend, 'update', result.updates ?? {}, renamed);
      random.declareInputs();
      graph.rename(renamed);
      runPasses(graph, passes);
      return { graph, reads, outputs, updates, sites: random.sites };
    });
  } finally {
    tf.engine().endScope();
    if (previous) void tf.setBackend(previous);
  }
}
