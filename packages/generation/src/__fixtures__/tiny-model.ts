/** A language model small enough to run in plain JavaScript, and its parallel forward pass. */
import attention from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { buildLanguageModel, initialWeights, type LanguageModel, type LmConfig, type Weights } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';

export const registry = createRegistry([attention]);

export type TinyModelOptions = Partial<Omit<LmConfig, 'attention' | 'layers'>> & {
  /** One for both layers, or one each. */
  attention: ComponentSpec | ComponentSpec[];
};

/** Two layers of width 8, vocabulary 11, sinusoidal positions. */
export function tinyModel({ attention: spec, ...rest }: TinyModelOptions): LanguageModel {
  const layers = 2;
  const config: LmConfig = {
    use: 'decoder-lm',
    vocab: 11,
    layers,
    dim: 8,
    heads: 2,
    ffn: 16,
    activation: 'relu',
    norm: 'pre',
    positions: 'sinusoidal',
    maxPositions: 16,
    tieOutput: true,
    scaleEmbedding: false,
    dropout: 0,
    attentionDropout: 0,
    activationDropout: 0,
    initStd: 0.6,
    attention: Array.isArray(spec) ? spec : new Array<ComponentSpec>(layers).fill(spec),
    ...rest,
  };
  return buildLanguageModel(config, registry);
}

export function tinyWeights(model: LanguageModel): Weights {
  return initialWeights(model, 7);
}

/** Logits [vocab] after the last of `ids`, from the parallel form over all of them. */
export async function parallelLogits(engine: Engine, model: LanguageModel, ids: Int32Array): Promise<Float32Array> {
  const { vocab, dim } = model.config;
  const program = await engine.compile({
    name: 'parallel',
    inputs: { ids: { shape: [1, ids.length], dtype: 'int32' } },
    constants: tinyWeights(model),
    program: (inputs, weights) => {
      const hidden = model.hidden(inputs.ids!, weights); // [1, T, dim]
      const last = tf.slice(hidden, [0, ids.length - 1, 0], [1, 1, dim]);
      return { outputs: { logits: tf.reshape(model.logits(last, weights), [vocab]) } };
    },
  });
  const { logits } = await program.run({ ids });
  await program.dispose();
  return logits as Float32Array;
}
