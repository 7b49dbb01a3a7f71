/** Writes the ONNX files of a model. */
import { join } from 'node:path';
import type { StateSpec } from '@t2r/attention';
import type { CompiledProgram, Engine } from '@t2r/engine';
import { isTranslation, type Weights } from '@t2r/models';
import type { ExportSizes } from './export-options.js';
import { compileEncodeGraph, compilePrefillGraph, compileStepGraph } from './graphs.js';
import type { LoadedModel } from './loaded-model.js';
import type { ExportedState } from './manifest.js';
import { TIME_AXIS } from './whole-caches.js';

export const GRAPH_FILES = { step: 'model_step.onnx', prefill: 'model_prefill.onnx', encode: 'model_encode.onnx' };

/** Weights of more bytes are kept beside the .onnx file, which protobuf lets have 2 GB. */
const MOST_INSIDE = 1.8e9;

export interface WriteGraphsOptions {
  engine: Engine;
  folder: string;
  loaded: LoadedModel;
  sizes: ExportSizes;
  onProgress?: (file: string) => void;
  signal?: AbortSignal;
}

export interface WrittenGraphs {
  /** Names of all files written. */
  files: string[];
  state: ExportedState[];
  /** What the step reads of a source; of an encoder-decoder. */
  context: { name: string; shape: number[] }[];
}

/** Compiles and writes one graph after the other. */
export async function writeGraphs(options: WriteGraphsOptions): Promise<WrittenGraphs> {
  const { engine, loaded, sizes } = options;
  const { model } = loaded;
  const { batch, capacity, dtype, chunk, source } = sizes;
  const values = Object.fromEntries(Object.entries(loaded.weights).map(([name, { data }]) => [name, data]));
  const weights = model.stepWeights(values);
  const shared = { engine, weights, dtype, batch, capacity };
  const context = isTranslation(model) ? model.crossStateSpecs(batch, source) : [];
  const graphs: [keyof typeof GRAPH_FILES, () => Promise<CompiledProgram>][] = [
    ['step', () => compileStepGraph({ ...shared, model }, context)],
    isTranslation(model)
      ? ['encode', () => compileEncodeGraph({ ...shared, model }, source)]
      : ['prefill', () => compilePrefillGraph({ ...shared, model }, chunk)],
  ];
  const externalData = bytesOf(weights) > MOST_INSIDE;
  const files: string[] = [];
  for (const [graph, compile] of graphs) {
    options.signal?.throwIfAborted();
    const file = GRAPH_FILES[graph];
    options.onProgress?.(file);
    const program = await compile();
    try {
      await program.export(join(options.folder, file), { names: 'own', externalData });
    } finally {
      await program.dispose();
    }
    files.push(file, ...(externalData ? [`${file}.data`] : []));
  }
  return {
    files,
    state: model.state(batch, capacity).map(exportedState),
    context: context.map(({ name, shape }) => ({ name, shape })),
  };
}

const exportedState = ({ name, shape, grows }: StateSpec): ExportedState => ({
  name,
  shape,
  grows: grows ? TIME_AXIS : false,
});

const bytesOf = (weights: Weights) => Object.values(weights).reduce((sum, { data }) => sum + data.byteLength, 0);
