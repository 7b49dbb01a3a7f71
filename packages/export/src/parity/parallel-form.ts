/** The form that a model is trained in: all positions at once, with the weights as a checkpoint holds them. */
import type { Engine, HostArray } from '@t2r/engine';
import { type AnyModel, isTranslation, type Weights } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';

export interface ParallelForm {
  /** Logits [inputs.length, vocab] after each input. */
  logits(sequence: { source?: ArrayLike<number>; inputs: ArrayLike<number> }): Promise<Float32Array>;
  dispose(): Promise<void>;
}

export interface ParallelFormOptions {
  engine: Engine;
  model: AnyModel;
  weights: Weights;
  /** Longest sequence of inputs, and of sources. */
  length: number;
  source?: number;
}

/** Compiles the parallel form for sequences up to a length; padding on the right does not matter to what stands before it. */
export async function compileParallelForm(options: ParallelFormOptions): Promise<ParallelForm> {
  const { engine, model, weights, length, source = 0 } = options;
  const { vocab } = model.config;
  const program = await engine.compile({
    name: 'parallel',
    inputs: {
      ids: { shape: [1, length], dtype: 'int32' },
      ...(isTranslation(model) && {
        source: { shape: [1, source], dtype: 'int32' as const },
        mask: { shape: [1, source] },
      }),
    },
    constants: weights,
    program: (inputs, parameters) => {
      const hidden = isTranslation(model)
        ? model.hidden(
            inputs.ids!,
            { memory: model.encode(inputs.source!, inputs.mask!, parameters), mask: inputs.mask! },
            parameters,
          )
        : model.hidden(inputs.ids!, parameters); // [1, length, dim]
      return { outputs: { logits: tf.reshape(model.logits(hidden, parameters), [length, vocab]) } };
    },
  });
  const padded = (ids: ArrayLike<number>, size: number) => {
    const out = new Int32Array(size);
    out.set(Array.from(ids));
    return out;
  };
  return {
    async logits({ source: read = [], inputs }) {
      const mask = new Float32Array(source).fill(1, 0, read.length);
      const ids = padded(inputs, length);
      const fed = isTranslation(model) ? { ids, source: padded(read, source), mask } : { ids };
      const { logits } = await program.run(fed as Record<string, HostArray>);
      return (logits as Float32Array).slice(0, inputs.length * vocab);
    },
    dispose: () => program.dispose(),
  };
}
