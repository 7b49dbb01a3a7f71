/** The compiled programs of beam search, with the variables they are bound to. */
import type { StateSpec } from '@t2r/attention';
import {
  type CompiledProgram,
  crossEntropy,
  type Engine,
  type HostTensor,
  type TensorMap,
  type Variables,
} from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { zeroState } from '../cache.js';
import type { SearchModel } from './model.js';
import type { Disposable } from './program-store.js';

/** Name of the programs' int32 input that holds the number of positions already in the state: of each row, or in prefill of all. */
const POSITION = 'position';

/** Variables of the sources' tensors, apart from those of the state. */
export const contextName = (name: string) => `context.${name}`;

/** Sizes and inputs that a program is compiled for. */
export interface ProgramShape {
  sentences: number;
  beam: number;
  /** Positions that caches have room for; 0 where none grows. */
  capacity: number;
  /** Shapes of the context, axis 0 the sentences. */
  context: Record<string, readonly number[]>;
}

/** What the step finds per row, besides the shape. */
export interface StepOutputs {
  /** Best tokens that are handed back. */
  count: number;
  /** Tokens that never count among them. */
  suppressTokens: readonly number[];
  /** An input `bans` [rows, vocab] is added to the log-probabilities. */
  bans: boolean;
  /** Log-probabilities are multiplied by an input `factors` [rows, vocab]. */
  factors: boolean;
}

/** A program and what it reads and updates. */
export interface BoundProgram extends Disposable {
  shape: ProgramShape;
  program: CompiledProgram;
  variables: Variables;
  specs: readonly StateSpec[];
}

function bind(
  shape: ProgramShape,
  program: CompiledProgram,
  variables: Variables,
  specs: readonly StateSpec[],
): BoundProgram {
  const dispose = async () => {
    await program.dispose();
    variables.dispose();
  };
  return { shape, program, variables, specs, dispose };
}

function boundVariables(engine: Engine, specs: readonly StateSpec[], { context }: ProgramShape): Variables {
  const empty = Object.entries(context).map(
    ([name, shape]): StateSpec => ({ name: contextName(name), shape: [...shape] }),
  );
  return engine.variables(zeroState([...specs, ...empty]));
}

function tensorsOf(tensors: TensorMap, specs: readonly StateSpec[], { context }: ProgramShape) {
  return {
    state: Object.fromEntries(specs.map(({ name }) => [name, tensors[name]!])),
    context: Object.fromEntries(Object.keys(context).map((name) => [name, tensors[contextName(name)]!])),
    weights: tensors,
    options: { positionInput: POSITION },
  };
}

/** [vocab]: -Infinity at some tokens, 0 elsewhere. */
function ruledOut(vocab: number, tokens: readonly number[]): tf.Tensor1D {
  const values = new Float32Array(vocab);
  for (const id of tokens) values[id] = Number.NEGATIVE_INFINITY;
  return tf.tensor1d(values);
}

/**
 * One token for every row: inputs `ids`, `position` and `wanted` [rows]; outputs `ids` and `logProbs` [rows, count],
 * the best tokens of each row in descending order, and `wanted` [rows], the log-probability of the token asked for.
 * No output is of the vocabulary's size, and only the best of each row go on to be compared across rows: among the best
 * of all rows there cannot be more from one.
 */
export async function compileStep(
  engine: Engine,
  model: SearchModel,
  shape: ProgramShape,
  { count, suppressTokens, bans, factors }: StepOutputs,
): Promise<BoundProgram> {
  const { vocab } = model;
  const rows = shape.sentences * shape.beam;
  const specs = model.state(rows, shape.capacity);
  const variables = boundVariables(engine, specs, shape);
  const wide = { shape: [rows, vocab] };
  const program = await engine.compile({
    name: 'beam-step',
    inputs: {
      ids: { shape: [rows], dtype: 'int32' },
      [POSITION]: { shape: [rows], dtype: 'int32' },
      wanted: { shape: [rows], dtype: 'int32' },
      ...(bans && { bans: wide }),
      ...(factors && { factors: wide }),
    },
    variables,
    constants: model.weights,
    program: (inputs, tensors) => {
      const { logits, state } = model.step({
        ids: inputs.ids!,
        position: inputs[POSITION]!,
        ...tensorsOf(tensors, specs, shape),
      });
      let logs: tf.Tensor = tf.logSoftmax(logits); // [rows, vocab]
      // Shares the softmax above: equal nodes of a graph are one.
      const wanted = tf.neg(crossEntropy(logits, inputs.wanted!)); // [rows]
      if (inputs.factors) logs = tf.mul(logs, inputs.factors);
      if (suppressTokens.length > 0) logs = tf.add(logs, ruledOut(vocab, suppressTokens));
      if (inputs.bans) logs = tf.add(logs, inputs.bans);
      const { values, indices } = tf.topk(logs, count); // [rows, count]
      return { outputs: { ids: indices, logProbs: values, wanted }, updates: state };
    },
  });
  return bind(shape, program, variables, specs);
}

/** Several positions of the prompts, one row a sentence: inputs `ids` [sentences, chunk], `position` [] and `count` []. */
export async function compilePrefill(
  engine: Engine,
  model: SearchModel,
  shape: ProgramShape,
  chunk: number,
): Promise<BoundProgram> {
  const specs = model.state(shape.sentences, shape.capacity);
  const variables = boundVariables(engine, specs, shape);
  const program = await engine.compile({
    name: 'beam-prefill',
    inputs: {
      ids: { shape: [shape.sentences, chunk], dtype: 'int32' },
      [POSITION]: { shape: [], dtype: 'int32' },
      count: { shape: [], dtype: 'int32' },
    },
    variables,
    constants: model.weights,
    program: (inputs, tensors) => {
      const { state } = model.prefill!({
        ids: inputs.ids!,
        position: inputs[POSITION]!,
        count: inputs.count!,
        ...tensorsOf(tensors, specs, shape),
      });
      return { outputs: {}, updates: state };
    },
  });
  return bind(shape, program, variables, specs);
}

/** Sets the sources' tensors of a program. */
export function writeContext({ variables }: BoundProgram, context: Record<string, HostTensor>): void {
  for (const [name, { data }] of Object.entries(context)) variables.write(contextName(name), data);
}
