/** Writes the ONNX files of a model. */
import { join } from 'node:path';
import type { StateSpec } from '@t2r/attention';
import { type CompiledProgram, type Engine, writeWeightsFile } from '@t2r/engine';
import { isTranslation } from '@t2r/models';
import type { ExportSizes } from './export-options.js';
import { compileEncodeGraph, compilePrefillGraph, compileStepGraph } from './graphs.js';
import type { LoadedModel } from './loaded-model.js';
import type { ExportedState } from './manifest.js';
import { TIME_AXIS } from './whole-caches.js';

export const GRAPH_FILES = { step: 'model_step.onnx', prefill: 'model_prefill.onnx', encode: 'model_encode.onnx' };

/** The weights of both graphs, each once. */
export const WEIGHTS_FILE = 'model_weights.data';

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
  await writeWeightsFile(join(options.folder, WEIGHTS_FILE), async (externalData) => {
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
    }
  });
  return {
    files: [...graphs.map(([graph]) => GRAPH_FILES[graph]), WEIGHTS_FILE],
    state: model.state(batch, capacity).map(exportedState),
    context: context.map(({ name, shape }) => ({ name, shape })),
  };
}

const exportedState = ({ name, shape, grows }: StateSpec): ExportedState => ({
  name,
  shape,
  grows: grows ? TIME_AXIS : false,
});
