/**
 * The two graphs of an exported model: one token, and a chunk of a prompt. Logits come back to the host; the state stays where
 * the backend computes, and what one run returns is what the next one is given.
 */
import { UserError } from '@t2r/core/errors';
import type { LanguageManifest } from '@t2r/export/manifest';
import type { InferenceSession, Tensor } from 'onnxruntime-web';
import type { Runtime } from './ort.js';
import { StateTensors } from './tensors.js';

const INPUT = 'state.';
const OUTPUT = 'next.';

/** What one run gives: the logits [vocab] after the last token, and the state there. */
export interface Stepped {
  logits: Float32Array;
  state: StateTensors;
}

export interface DecoderSession {
  /** A state of zeros at position 0. */
  start(): StateTensors;
  /** A state with values from the host, by name. */
  upload(position: number, values: ReadonlyMap<string, Float32Array>): StateTensors;
  /** Feeds one token. The state given stays as it is. */
  step(id: number, state: StateTensors): Promise<Stepped>;
  /** Feeds up to `prefill.chunk` tokens. The state given stays as it is. */
  prefill(ids: Int32Array, state: StateTensors): Promise<Stepped>;
  dispose(): Promise<void>;
}

export interface DecoderSessionOptions {
  runtime: Runtime;
  manifest: LanguageManifest;
  /** Contents of the folder's graphs and weights by name. They are let go of once the sessions have them. */
  files: Map<string, Uint8Array>;
}

/** Opens both graphs. @throws UserError where ONNX Runtime does not take one. */
export async function openDecoderSession(options: DecoderSessionOptions): Promise<DecoderSession> {
  const { manifest, runtime } = options;
  if (manifest.batch !== 1)
    throw new UserError(
      `${manifest.name} was exported for a batch of ${manifest.batch}; the browser runs a batch of 1`,
      {
        hint: 'Export it again without --batch.',
      },
    );
  const step = await openGraph(options, manifest.step.file);
  const prefill = await openGraph(options, manifest.prefill.file);
  if (manifest.weights !== undefined) options.files.delete(manifest.weights);
  const { Tensor } = runtime.ort;
  const {
    state: specs,
    vocab,
    prefill: { chunk },
  } = manifest;

  const int32 = (...values: number[]) => new Tensor('int32', Int32Array.from(values), [values.length]);

  const run = async (
    session: InferenceSession,
    inputs: Record<string, Tensor>,
    state: StateTensors,
    count: number,
  ): Promise<Stepped> => {
    const feeds: Record<string, Tensor> = { ...inputs, position: int32(state.position) };
    for (const { name } of specs) feeds[INPUT + name] = state.get(name);
    const outputs = await session.run(feeds);
    const tensors = new Map(specs.map(({ name }) => [name, outputs[OUTPUT + name]!]));
    const logits = outputs.logits!.data as Float32Array;
    if (logits.length !== vocab) throw new RangeError(`logits have ${logits.length} entries, the vocabulary ${vocab}`);
    return { logits, state: new StateTensors(state.position + count, tensors) };
  };

  const upload = (position: number, values?: ReadonlyMap<string, Float32Array>) => {
    const tensors = specs.map(({ name, shape }): [string, Tensor] => {
      const size = shape.reduce((product, length) => product * length, 1);
      return [name, new Tensor('float32', values?.get(name) ?? new Float32Array(size), shape)];
    });
    return new StateTensors(position, new Map(tensors));
  };

  return {
    start: () => upload(0),
    upload,
    step: (id, state) => run(step, { ids: int32(id) }, state, 1),
    prefill(ids, state) {
      const padded = new Int32Array(chunk);
      padded.set(ids);
      const inputs = { ids: new Tensor('int32', padded, [1, chunk]), count: int32(ids.length) };
      return run(prefill, inputs, state, ids.length);
    },
    async dispose() {
      await step.release();
      await prefill.release();
    },
  };
}

async function openGraph(
  { runtime: { ort, backend }, manifest, files }: DecoderSessionOptions,
  file: string,
): Promise<InferenceSession> {
  const bytes = files.get(file)!;
  files.delete(file);
  const { weights } = manifest;
  const outputs = manifest.state.map(({ name }) => [OUTPUT + name, 'gpu-buffer'] as const);
  try {
    return await ort.InferenceSession.create(bytes, {
      executionProviders: [backend],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      ...(weights !== undefined && { externalData: [{ path: weights, data: files.get(weights)! }] }),
      ...(backend === 'webgpu' && { preferredOutputLocation: { ...Object.fromEntries(outputs), logits: 'cpu' } }),
    });
  } catch (cause) {
    throw new UserError(
      `ONNX Runtime (${backend}) does not take ${file} of ${manifest.name}: ${(cause as Error).message}`,
      {
        hint: `The weights are stored as ${manifest.dtype}; try another backend, or export with another --dtype.`,
        cause,
      },
    );
  }
}
