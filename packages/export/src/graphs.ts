/** The graphs of an exported model as programs, with the names and shapes of inputs and outputs that `manifest.ts` tells. */
import type { StateSpec } from '@t2r/attention';
import type { CompiledProgram, CompileOptions, Engine, TensorMap, TensorSpec } from '@t2r/engine';
import type { DecodeResult, LanguageModel, TranslationModel, Weights } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import type { ExportDtype } from './manifest.js';
import { wholeUpdate } from './whole-caches.js';

export interface GraphOptions<Model> {
  engine: Engine;
  model: Model;
  /** Those of `model.stepWeights`. */
  weights: Weights;
  dtype: ExportDtype;
  batch: number;
  /** Positions that caches have room for. */
  capacity: number;
}

const POSITION = 'position';

const stateInput = (name: string) => `state.${name}`;

/** Inputs of state tensors. */
const stateInputs = (specs: readonly StateSpec[]): Record<string, TensorSpec> =>
  Object.fromEntries(specs.map(({ name, shape }) => [stateInput(name), { shape }]));

const int32 = (...shape: number[]): TensorSpec => ({ shape, dtype: 'int32' });

/** The tensors of a state by their names in the model. */
const stateOf = (inputs: TensorMap, specs: readonly StateSpec[]): TensorMap =>
  Object.fromEntries(specs.map(({ name }) => [name, inputs[stateInput(name)]!]));

/** Logits, and every state tensor whole. */
function handOut({ logits, state }: DecodeResult, before: TensorMap, positions: tf.Tensor): TensorMap {
  const next = Object.entries(state).map(([name, update]) => [
    `next.${name}`,
    wholeUpdate(update, before[name]!, positions),
  ]);
  return { logits, ...Object.fromEntries(next) };
}

/** Compiles a graph; weights are stored as `dtype` says. @throws UserError where the engine cannot store them so */
function compile(
  { engine, weights, dtype }: Pick<GraphOptions<unknown>, 'engine' | 'weights' | 'dtype'>,
  options: Pick<CompileOptions, 'name' | 'inputs' | 'program'>,
): Promise<CompiledProgram> {
  return engine.compile({ ...options, constants: weights, weights: dtype });
}

/** ids and position [batch], state -> logits [batch, vocab] and the next state. `context` is read only (encoder-decoders). */
export function compileStepGraph(
  options: GraphOptions<LanguageModel | TranslationModel>,
  context: readonly StateSpec[] = [],
): Promise<CompiledProgram> {
  const { model, batch, capacity } = options;
  const specs = model.state(batch, capacity);
  return compile(options, {
    name: 'step',
    inputs: { ids: int32(batch), [POSITION]: int32(batch), ...stateInputs([...specs, ...context]) },
    program: (inputs, parameters) => {
      const { ids, position } = inputs;
      const before = stateOf(inputs, [...specs, ...context]);
      const result = model.step(ids!, position!, before, parameters, { positionInput: POSITION });
      return { outputs: handOut(result, before, position!) };
    },
  });
}

/** ids [batch, chunk] padded on the right, position and count [batch] (all counts equal), state -> logits [batch, vocab] and the next state. */
export function compilePrefillGraph(options: GraphOptions<LanguageModel>, chunk: number): Promise<CompiledProgram> {
  const { model, batch, capacity } = options;
  const specs = model.state(batch, capacity);
  return compile(options, {
    name: 'prefill',
    inputs: { ids: int32(batch, chunk), [POSITION]: int32(batch), count: int32(batch), ...stateInputs(specs) },
    program: (inputs, parameters) => {
      const { ids, position, count } = inputs;
      const before = stateOf(inputs, specs);
      const call = { positionInput: POSITION };
      const result = model.prefill(ids!, position!, common(count!), before, parameters, call);
      return { outputs: handOut(result, before, position!) };
    },
  });
}

/** ids [batch, source] padded on the right, lengths [batch] -> what the step reads of the source, `state.<name>`. */
export function compileEncodeGraph(options: GraphOptions<TranslationModel>, source: number): Promise<CompiledProgram> {
  const { model, batch } = options;
  return compile(options, {
    name: 'encode',
    inputs: { ids: int32(batch, source), lengths: int32(batch) },
    program: ({ ids, lengths }, parameters) => {
      const places = tf.reshape(tf.range(0, source, 1, 'int32'), [1, source]);
      const mask = tf.cast(tf.less(places, tf.reshape(lengths!, [batch, 1])), 'float32'); // [batch, source]
      const made = model.crossState({ memory: model.encode(ids!, mask, parameters), mask }, parameters);
      return { outputs: Object.fromEntries(Object.entries(made).map(([name, tensor]) => [stateInput(name), tensor])) };
    },
  });
}

/** What is the same for all sequences, int32 scalar. */
const common = (counts: tf.Tensor): tf.Tensor => tf.reshape(tf.slice(counts, [0], [1]), []);
