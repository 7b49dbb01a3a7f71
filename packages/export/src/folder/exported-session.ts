/** Runs the graphs of an exported folder on plain onnxruntime-node: nothing of a model is known here but its manifest. */
import { UserError } from '@t2r/core';
import type * as ort from 'onnxruntime-node';
import type { ExportManifest } from '../manifest.js';

/** The part of ONNX Runtime used here. */
type Ort = Pick<typeof ort, 'InferenceSession' | 'Tensor'>;

async function importRuntime(): Promise<Ort> {
  try {
    return (await import('onnxruntime-node')).default;
  } catch (cause) {
    throw new UserError(
      `exported models need onnxruntime-node, which could not be loaded: ${(cause as Error).message}`,
      {
        hint: "Run 'npm install onnxruntime-node@1.30.0 --onnxruntime-node-install=skip'.",
        cause,
      },
    );
  }
}

export interface ExportedSession {
  readonly manifest: ExportManifest;
  /** Begins anew: a state of zeros, and for encoder-decoders what the encoder makes of the sources, one a row of the batch. */
  start(sources?: readonly ArrayLike<number>[]): Promise<void>;
  /** One token a row, each at its own position: ids and positions [batch] -> logits [batch, vocab]. */
  step(ids: ArrayLike<number>, positions: ArrayLike<number>): Promise<Float32Array>;
  /** Up to `chunk` tokens a row, at least one and as many in each -> logits [batch, vocab] after the last of each. For decoder-lm alone. */
  prefill(ids: readonly ArrayLike<number>[], positions: ArrayLike<number>): Promise<Float32Array>;
  release(): Promise<void>;
}

/**
 * Opens the graphs of an exported folder.
 *
 * @param path gives the path of one of its files
 * @throws UserError where ONNX Runtime cannot open one of them
 */
export async function openExported(manifest: ExportManifest, path: (file: string) => string): Promise<ExportedSession> {
  const { InferenceSession, Tensor } = await importRuntime();
  const open = async (file: string) => {
    try {
      return await InferenceSession.create(path(file), { logSeverityLevel: 4 });
    } catch (cause) {
      throw new UserError(`ONNX Runtime cannot open ${path(file)}: ${(cause as Error).message}`, {
        hint: 'The file is damaged, or this ONNX Runtime is older than 1.30.',
        cause,
      });
    }
  };
  const { batch, state } = manifest;
  const stepSession = await open(manifest.step.file);
  const otherSession = await open('prefill' in manifest ? manifest.prefill.file : manifest.encode.file);
  const int32 = (values: ArrayLike<number>, shape = [batch]) => new Tensor('int32', Int32Array.from(values), shape);
  /** Inputs of the step that hold a state, `state.<name>`. */
  let held: Record<string, ort.Tensor> = {};

  /** Runs a graph, takes over the state it gives back, and returns its logits. */
  const run = async (session: ort.InferenceSession, inputs: Record<string, ort.Tensor>): Promise<Float32Array> => {
    const feeds = { ...inputs, ...held };
    const result = await session.run(Object.fromEntries(session.inputNames.map((name) => [name, feeds[name]!])));
    for (const { name } of state) held[`state.${name}`] = result[`next.${name}`]!;
    return result.logits!.data as Float32Array;
  };
  const padded = (rows: readonly ArrayLike<number>[], width: number, padding = 0) => {
    const ids = new Int32Array(batch * width).fill(padding);
    for (const [row, values] of rows.entries()) ids.set(Array.from(values), row * width);
    return int32(ids, [batch, width]);
  };
  const lengths = (rows: readonly ArrayLike<number>[]) => int32(Array.from(rows, ({ length }) => length));

  return {
    manifest,
    async start(sources = []) {
      held = Object.fromEntries(
        state.map(({ name, shape }) => {
          const size = shape.reduce((product, dim) => product * dim, 1);
          return [`state.${name}`, new Tensor('float32', new Float32Array(size), shape)];
        }),
      );
      if (manifest.kind !== 'encoder-decoder') return;
      const { encode, tokens } = manifest;
      const made = await otherSession.run({
        ids: padded(sources, encode.source, tokens.padding),
        lengths: lengths(sources),
      });
      Object.assign(held, made);
    },
    step: (ids, positions) => run(stepSession, { ids: int32(ids), position: int32(positions) }),
    prefill(ids, positions) {
      if (manifest.kind !== 'decoder-lm') throw new RangeError('an encoder-decoder has no prefill graph');
      const { chunk } = manifest.prefill;
      return run(otherSession, { ids: padded(ids, chunk), position: int32(positions), count: lengths(ids) });
    },
    async release() {
      await stepSession.release();
      await otherSession.release();
    },
  };
}
