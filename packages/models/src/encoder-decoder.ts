/** The encoder-decoder: two stacks of layers, of which the second also reads the last hidden states of the first. */
import { type Attention, type StateSpec, softmaxAttention } from '@t2r/attention';
import { type CreateContext, UserError } from '@t2r/core';
import { sizeOf, type TensorMap, toRows } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { attentionShape, checkArchitecture } from './architecture.js';
import { type Scope, scope } from './block.js';
import { crossAttend, crossVariant, prepareCross, readCross } from './cross-attention.js';
import { type DecodeInputs, decode } from './decode.js';
import { forward } from './forward.js';
import { createOutput } from './output.js';
import { decoderLmParameters } from './parameters.js';
import { stepWeights } from './step-weights.js';
import { nameOfSide, ofSide, SHARED_TABLE, type Side, stackConfig, toSide } from './translation-stacks.js';
import type { TranslationConfig, TranslationModel } from './translation-types.js';
import type { DecodeResult, Weights } from './types.js';

function checkConfig(config: TranslationConfig): void {
  const { vocab, sourceVocab = vocab, shareEmbeddings, decoder } = config;
  for (const side of ['encoder', 'decoder'] as const) checkArchitecture(stackConfig(config, side));
  if (shareEmbeddings && sourceVocab !== vocab) {
    throw new UserError(`shareEmbeddings: a source of ${sourceVocab} tokens and a target of ${vocab} share no table`, {
      hint: 'Train one tokenizer on both languages, or set shareEmbeddings: false.',
    });
  }
  for (const name of ['attention', 'cross'] as const) {
    const given = config[name].length;
    if (given !== decoder.layers) {
      throw new UserError(`${name}: ${given} given for a decoder of ${decoder.layers} layers`, {
        hint: 'Give one for all layers, or a list with one per layer of the decoder.',
      });
    }
  }
}

const prefixed = (specs: StateSpec[], prefix: string) =>
  specs.map((spec) => ({ ...spec, name: `${prefix}.${spec.name}` }));

const bytesOf = (specs: readonly StateSpec[]) =>
  specs.reduce((bytes, { shape }) => bytes + sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT, 0);

/**
 * Builds the model from its configuration and the decoder's self- and cross-attention, one of each per layer.
 *
 * @throws UserError where they do not fit together, or a variant has no cross-attention
 */
export function createTranslationModel(
  config: TranslationConfig,
  attention: readonly Attention[],
  givenCross: readonly Attention[],
): TranslationModel {
  checkConfig(config);
  const cross = givenCross.map(crossVariant);
  const encoder = stackConfig(config, 'encoder');
  const decoder = stackConfig(config, 'decoder');
  const encoderAttention = encoder.attention.map(() => softmaxAttention());
  const shape = attentionShape(decoder);
  const output = createOutput(decoder);

  const encode: TranslationModel['encode'] = (source, mask, parameters, { dropout } = {}) =>
    forward(encoder, encoderAttention, source, ofSide(parameters, 'encoder'), {
      dropout,
      causal: false,
      keyMask: mask,
    });

  // Right padding of targets needs no mask: no position before it sees it.
  const hidden: TranslationModel['hidden'] = (ids, source, parameters, { dropout } = {}) =>
    forward(decoder, attention, ids, ofSide(parameters, 'decoder'), {
      dropout,
      cross: (layer, x, get) => crossAttend(x, get, cross[layer]!, decoder, source, dropout),
    });

  const flatten = (targets: tf.Tensor) => tf.reshape(targets, [sizeOf(targets.shape)]);

  const loss: TranslationModel['loss'] = (ids, targets, source, parameters, options = {}) => {
    const { labelSmoothing = 0, weights, dropout } = options;
    const rows = toRows(hidden(ids, source, parameters, { dropout })); // [B*T, dim]
    const own = ofSide(parameters, 'decoder');
    return output.trainingLoss(rows, flatten(targets), own, { labelSmoothing, weights, dropout });
  };

  const negativeLogLikelihood: TranslationModel['negativeLogLikelihood'] = (ids, targets, source, parameters) => {
    const rows = toRows(hidden(ids, source, parameters)); // [B*T, dim]
    const losses = output.negativeLogs(rows, flatten(targets), ofSide(parameters, 'decoder'));
    return tf.reshape(losses, targets.shape);
  };

  const state: TranslationModel['state'] = (batch, capacity) =>
    attention.flatMap((variant, n) => prefixed(variant.state(shape, batch, capacity), `decoder.layers.${n}`));

  const crossStateSpecs: TranslationModel['crossStateSpecs'] = (batch, sourceLength) =>
    cross.flatMap((variant, n) =>
      prefixed(variant.cross.state(shape, batch, sourceLength), `decoder.layers.${n}.cross`),
    );

  const crossState: TranslationModel['crossState'] = (source, parameters) => {
    const own = ofSide(parameters, 'decoder');
    const made: TensorMap = {};
    for (const [n, variant] of cross.entries()) {
      const tensors = prepareCross(source, scope(own, `layers.${n}`), variant, decoder);
      for (const [name, tensor] of Object.entries(tensors)) made[`decoder.layers.${n}.cross.${name}`] = tensor;
    }
    return made;
  };

  function decodeLogits(inputs: Omit<DecodeInputs, 'cross'>): DecodeResult {
    const parameters = ofSide(inputs.parameters, 'decoder');
    const before = ofSide(inputs.state, 'decoder');
    const read = (layer: number, x: tf.Tensor, get: Scope) => {
      const variant = cross[layer]!;
      const names = variant.cross.state(shape, 1, 1).map(({ name }) => name);
      const own = Object.fromEntries(names.map((name) => [name, before[`layers.${layer}.cross.${name}`]!]));
      return readCross(x, get, variant, decoder, own);
    };
    const result = decode(decoder, attention, { ...inputs, parameters, state: before, cross: read });
    return { logits: output.logits(result.hidden, parameters), state: toSide(result.state, 'decoder', config) };
  }

  function parameters() {
    const ofStack = (side: Side) => {
      const specs =
        side === 'encoder'
          ? decoderLmParameters(encoder, encoderAttention)
          : decoderLmParameters(decoder, attention, cross);
      return specs.map((spec) => ({ ...spec, name: nameOfSide(spec.name, side, config) }));
    };
    const table = (name: string) => config.shareEmbeddings && name === SHARED_TABLE;
    // The shared table is the first of both.
    return [...ofStack('encoder'), ...ofStack('decoder').filter(({ name }) => !table(name))];
  }

  return {
    config,
    attention,
    cross,
    parameters,
    encode,
    hidden,
    logits: (x, all) => output.logits(x, ofSide(all, 'decoder')),
    loss,
    negativeLogLikelihood,
    state,
    crossStateSpecs,
    crossState,
    recurrent: attention.every((variant) => variant.recurrent),
    stateBytes: (position, sourceLength) => bytesOf([...state(1, position), ...crossStateSpecs(1, sourceLength)]),
    step: (ids, position, before, all, { positionInput }) =>
      decodeLogits({
        ids: tf.reshape(ids, [ids.shape[0]!, 1]),
        state: before,
        parameters: all,
        options: { position, positionInput },
      }),
    prefill: (ids, position, count, before, all, { positionInput }) =>
      decodeLogits({ ids, state: before, parameters: all, options: { position, positionInput, count } }),
    stepWeights: (values) => {
      const ofDecoder = stepWeights(decoder, attention, ofSide(values, 'decoder'), cross);
      const ofEncoder = parameters().filter(({ name }) => name.startsWith('encoder.'));
      const passed = ofEncoder.map(({ name, shape: size }) => [name, { shape: size, data: values[name]! }]);
      return { ...(Object.fromEntries(passed) as Weights), ...toSide(ofDecoder, 'decoder', config) };
    },
  };
}

/**
 * Builds the model of a checkpoint's or recipe's configuration, its attention variants found by name. The model's `config`
 * holds all their options, defaults included.
 */
export function buildTranslationModel(config: TranslationConfig, context: CreateContext): TranslationModel {
  const create = (specs: TranslationConfig['attention']) => specs.map((spec) => context.create('attention', spec));
  const attention = create(config.attention);
  const cross = create(config.cross);
  const specs = (variants: readonly Attention[]) => variants.map(({ name, options }) => ({ use: name, ...options }));
  return createTranslationModel({ ...config, attention: specs(attention), cross: specs(cross) }, attention, cross);
}
