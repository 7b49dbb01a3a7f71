/** The decoder-only language model: a stack of causal attention and feed-forward blocks over token embeddings. */
import type { Attention, StateSpec } from '@t2r/attention';
import { type CreateContext, UserError } from '@t2r/core';
import { sizeOf, toRows } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { attentionShape, checkArchitecture } from './architecture.js';
import { type DecodeInputs, decode } from './decode.js';
import { forward } from './forward.js';
import { createOutput } from './output.js';
import { decoderLmParameters } from './parameters.js';
import { stepWeights } from './step-weights.js';
import type { DecodeResult, LanguageModel, LmConfig } from './types.js';

function checkConfig(config: LmConfig, attention: readonly Attention[]): void {
  const { layers } = config;
  checkArchitecture(config);
  if (attention.length !== layers) {
    throw new UserError(`attention: ${attention.length} given for ${layers} layers`, {
      hint: 'Give one attention for all layers, or a list with one per layer.',
    });
  }
}

/** Builds the model from its configuration and one attention per layer. Throws UserError where they do not fit. */
export function createLanguageModel(config: LmConfig, attention: readonly Attention[]): LanguageModel {
  checkConfig(config, attention);
  const output = createOutput(config);

  const hidden: LanguageModel['hidden'] = (ids, parameters, options) =>
    forward(config, attention, ids, parameters, options);

  /** Targets of all positions in a row, [B * T]. */
  const flatten = (targets: tf.Tensor) => tf.reshape(targets, [sizeOf(targets.shape)]);

  const loss: LanguageModel['loss'] = (ids, targets, parameters, { labelSmoothing = 0, weights, ...options } = {}) => {
    const rows = toRows(hidden(ids, parameters, options)); // [B*T, dim]
    const { dropout } = options;
    return output.trainingLoss(rows, flatten(targets), parameters, { labelSmoothing, weights, dropout });
  };

  const negativeLogLikelihood: LanguageModel['negativeLogLikelihood'] = (ids, targets, parameters) => {
    const rows = toRows(hidden(ids, parameters)); // [B*T, dim]
    return tf.reshape(output.negativeLogs(rows, flatten(targets), parameters), targets.shape);
  };

  const state: LanguageModel['state'] = (batch, capacity): StateSpec[] =>
    attention.flatMap((variant, n) =>
      variant
        .state(attentionShape(config), batch, capacity)
        .map((spec) => ({ ...spec, name: `layers.${n}.${spec.name}` })),
    );

  function decodeLogits(inputs: DecodeInputs): DecodeResult {
    const result = decode(config, attention, inputs);
    return { logits: output.logits(result.hidden, inputs.parameters), state: result.state };
  }

  return {
    config,
    attention,
    parameters: () => decoderLmParameters(config, attention),
    hidden,
    logits: output.logits,
    loss,
    negativeLogLikelihood,
    state,
    recurrent: attention.every((variant) => variant.recurrent),
    stateBytes: (position) =>
      state(1, position).reduce((bytes, { shape }) => bytes + sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT, 0),
    step: (ids, position, before, parameters, { positionInput }) =>
      decodeLogits({
        ids: tf.reshape(ids, [ids.shape[0]!, 1]),
        state: before,
        parameters,
        options: { position, positionInput },
      }),
    prefill: (ids, position, count, before, parameters, { positionInput }) =>
      decodeLogits({ ids, state: before, parameters, options: { position, positionInput, count } }),
    stepWeights: (parameters) => stepWeights(config, attention, parameters),
  };
}

/**
 * Builds the model of a checkpoint's or recipe's configuration, its attention variants found by name. The model's `config`
 * holds all their options, defaults included.
 */
export function buildLanguageModel(config: LmConfig, context: CreateContext): LanguageModel {
  const attention = config.attention.map((spec) => context.create('attention', spec));
  const specs = attention.map(({ name, options }) => ({ use: name, ...options }));
  return createLanguageModel({ ...config, attention: specs }, attention);
}
