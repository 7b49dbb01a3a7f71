/** Decoding of a language model against its parallel forward pass, on an engine. */
import { createRandom } from '@t2r/core';
import type { CompiledProgram, Engine, HostTensor } from '@t2r/engine';
import type { LanguageModel, Weights } from '@t2r/models';
import { relativeMaximum } from '../attention/compare.js';

const POSITION = 'position';
const values = (weights: Weights) => Object.fromEntries(Object.entries(weights).map(([n, { data }]) => [n, data]));
const zeros = (shape: number[]): HostTensor => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });

/** Random weights far from the initial ones, so that biases and norms matter too. */
export function randomWeights(model: Pick<LanguageModel, 'parameters'>): Weights {
  return Object.fromEntries(
    model.parameters().map(({ name, shape }) => {
      const random = createRandom('decoding test', name);
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).map(() => 0.2 * random.normal());
      return [name, { shape, data: /norm\d?\.weight/.test(name) ? data.map((x) => 1 + x) : data }];
    }),
  );
}

/** Logits [T][batch * vocab] of the parallel forward pass. */
export async function parallelLogits(
  engine: Engine,
  model: LanguageModel,
  weights: Weights,
  ids: Int32Array,
  batch: number,
) {
  const time = ids.length / batch;
  const program = await engine.compile({
    name: 'forward',
    inputs: { ids: { shape: [batch, time], dtype: 'int32' } },
    constants: weights,
    program: (inputs, all) => ({ outputs: { logits: model.logits(model.hidden(inputs.ids!, all), all) } }),
  });
  const { logits } = await program.run({ ids });
  await program.dispose();
  const { vocab } = model.config;
  return Array.from({ length: time }, (_, t) => {
    const at = new Float32Array(batch * vocab);
    for (let b = 0; b < batch; b++) {
      const from = (b * time + t) * vocab;
      at.set((logits as Float32Array).subarray(from, from + vocab), b * vocab);
    }
    return at;
  });
}

/**
 * Decodes ids [batch, T] in pieces (1 = a step, otherwise a prefill padded to `padTo`) from position 0. Returns the largest
 * relative error of the logits after each piece against `reference`.
 */
export async function decodingError(
  engine: Engine,
  model: LanguageModel,
  weights: Weights,
  ids: Int32Array,
  reference: Float32Array[],
  { batch, pieces, padTo }: { batch: number; pieces: number[]; padTo: number },
): Promise<number> {
  const time = ids.length / batch;
  const specs = model.state(batch, time + padTo);
  const variables = engine.variables(Object.fromEntries(specs.map(({ name, shape }) => [name, zeros(shape)])));
  const constants = model.stepWeights(values(weights));
  const pick = (all: Parameters<LanguageModel['step']>[2]) =>
    Object.fromEntries(specs.map((s) => [s.name, all[s.name]!]));
  const scalar = { shape: [], dtype: 'int32' } as const;
  const step = await engine.compile({
    name: 'step',
    inputs: { ids: { shape: [batch], dtype: 'int32' }, [POSITION]: scalar },
    variables,
    constants,
    program: (inputs, all) => {
      const result = model.step(inputs.ids!, inputs[POSITION]!, pick(all), all, { positionInput: POSITION });
      return { outputs: { logits: result.logits }, updates: result.state };
    },
  });
  const prefill = await engine.compile({
    name: 'prefill',
    inputs: { ids: { shape: [batch, padTo], dtype: 'int32' }, [POSITION]: scalar, count: scalar },
    variables,
    constants,
    program: (inputs, all) => {
      const { ids: tokens, count, [POSITION]: position } = inputs;
      const result = model.prefill(tokens!, position!, count!, pick(all), all, { positionInput: POSITION });
      return { outputs: { logits: result.logits }, updates: result.state };
    },
  });
  let worst = 0;
  let position = 0;
  for (const piece of pieces) {
    const program: CompiledProgram = piece === 1 ? step : prefill;
    const width = piece === 1 ? 1 : padTo;
    const tokens = new Int32Array(batch * width).fill(1); // what is not overwritten is padding
    for (let b = 0; b < batch; b++) {
      const from = b * time + position;
      tokens.set(ids.subarray(from, from + piece), b * width);
    }
    const feeds = { ids: tokens, [POSITION]: Int32Array.of(position) };
    const { logits } = await program.run(piece === 1 ? feeds : { ...feeds, count: Int32Array.of(piece) });
    position += piece;
    const error = relativeMaximum(logits!, reference[position - 1]!);
    if (!(error <= worst)) worst = error;
  }
  await step.dispose();
  await prefill.dispose();
  variables.dispose();
  return worst;
}
