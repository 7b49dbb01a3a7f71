/** An encoder-decoder small enough for exhaustive tests, and its parallel form. */
import type { ComponentSpec } from '@t2r/core';
import type { Engine } from '@t2r/engine';
import { buildTranslationModel, initialParameter, type TranslationModel, type Weights } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import { logSoftmax, type NextLogProbs } from './reference-search.js';
import { registry } from './tiny-model.js';

export const TOKENS = { start: 0, end: 2, padding: 0 };

/** Two layers a stack, vocabulary 13; self- and cross-attention of each layer. */
export function tinyTranslation(attention: ComponentSpec[], cross: ComponentSpec[]): TranslationModel {
  return buildTranslationModel(
    {
      use: 'encoder-decoder',
      vocab: 13,
      dim: 8,
      encoder: { layers: 2, heads: 2, ffn: 12 },
      decoder: { layers: 2, heads: 4, ffn: 10 },
      activation: 'relu',
      norm: 'pre',
      positions: 'sinusoidal',
      maxPositions: 64,
      shareEmbeddings: true,
      tieOutput: true,
      scaleEmbedding: false,
      dropout: 0,
      attentionDropout: 0,
      activationDropout: 0,
      initStd: 0.6,
      attention,
      cross,
      tokens: TOKENS,
    },
    registry,
  );
}

export function translationWeights(model: TranslationModel): Weights {
  return Object.fromEntries(
    model.parameters().map((spec) => [spec.name, { shape: spec.shape, data: initialParameter(spec, 5) }]),
  );
}

/** The parallel form for one source, over up to `length` positions of the target. */
export async function translationForm(
  engine: Engine,
  model: TranslationModel,
  source: readonly number[],
  length: number,
): Promise<NextLogProbs> {
  const { vocab } = model.config;
  const program = await engine.compile({
    name: 'parallel',
    inputs: { ids: { shape: [1, length], dtype: 'int32' }, source: { shape: [1, source.length], dtype: 'int32' } },
    constants: translationWeights(model),
    program: (inputs, weights) => {
      const mask = tf.ones([1, source.length]);
      const memory = model.encode(inputs.source!, mask, weights); // [1, S, dim]
      const hidden = model.hidden(inputs.ids!, { memory, mask }, weights); // [1, length, dim]
      return { outputs: { logits: tf.reshape(model.logits(hidden, weights), [length, vocab]) } };
    },
  });
  return async (ids) => {
    const padded = new Int32Array(length);
    padded.set(ids);
    const { logits } = await program.run({ ids: padded, source: Int32Array.from(source) });
    return ids.map((_, t) => logSoftmax(Array.from(logits!.subarray(t * vocab, (t + 1) * vocab))));
  };
}
