/**
 * The two compiled programs of decoding: one token at a time, and a chunk of a prompt at once. Both read and write the
 * same state variables; the weights are folded into their graphs.
 */
import type { StateSpec } from '@t2r/attention';
import type { CompiledProgram, Engine, TensorMap, Variables, WeightFormat } from '@t2r/engine';
import type { LanguageModel, Weights } from '@t2r/models';

/** Name of the programs' int32 input [batch] that holds the number of positions already in the state of each sequence. */
const POSITION = 'position';

export interface DecodingProgramOptions {
  engine: Engine;
  model: LanguageModel;
  /** Those of `model.stepWeights`: feature maps folded into the projections where the attention can (paper, Eq. 8). */
  weights: Weights;
  /** The state the program reads and updates. */
  variables: Variables;
  specs: readonly StateSpec[];
  batch: number;
  /** How weights are stored. Default fp32. */
  dtype?: WeightFormat;
  /** Of the step, where nothing else runs between steps; see `CompileOptions`. Default false. */
  spin?: boolean;
}

/** Compiles the one-token step: inputs `ids` and `position` [batch], output `logits` [batch, vocab]. */
export function compileStep({
  engine,
  model,
  weights,
  variables,
  specs,
  batch,
  dtype,
  spin,
}: DecodingProgramOptions): Promise<CompiledProgram> {
  return engine.compile({
    name: 'step',
    inputs: { ids: { shape: [batch], dtype: 'int32' }, [POSITION]: { shape: [batch], dtype: 'int32' } },
    variables,
    constants: weights,
    weights: dtype,
    spin,
    program: ({ ids, position }, tensors) => {
      const state = pickState(tensors, specs);
      const result = model.step(ids!, position!, state, tensors, { positionInput: POSITION });
      return { outputs: { logits: result.logits }, updates: result.state };
    },
  });
}

/**
 * Compiles the parallel prefill of up to `chunk` positions: inputs `ids` [batch, chunk] padded on the right, `position`
 * [batch] and `count` [] (how many positions are real), output `logits` [batch, vocab] after the last real one.
 */
export function compilePrefill(
  { engine, model, weights, variables, specs, batch, dtype }: DecodingProgramOptions,
  chunk: number,
): Promise<CompiledProgram> {
  return engine.compile({
    name: 'prefill',
    inputs: {
      ids: { shape: [batch, chunk], dtype: 'int32' },
      [POSITION]: { shape: [batch], dtype: 'int32' },
      count: { shape: [], dtype: 'int32' },
    },
    variables,
    constants: weights,
    weights: dtype,
    program: ({ ids, position, count }, tensors) => {
      const state = pickState(tensors, specs);
      const result = model.prefill(ids!, position!, count!, state, tensors, { positionInput: POSITION });
      return { outputs: { logits: result.logits }, updates: result.state };
    },
  });
}

const pickState = (tensors: TensorMap, specs: readonly StateSpec[]): TensorMap =>
  Object.fromEntries(specs.map(({ name }) => [name, tensors[name]!]));
