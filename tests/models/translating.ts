/** Decoding of a translation model against its parallel forward pass, on an engine. */
import type { CompiledProgram, Engine, HostTensor, TensorMap } from '@t2r/engine';
import type { TranslationModel, Weights } from '@t2r/models';

const POSITION = 'position';
const SCALAR = { shape: [], dtype: 'int32' } as const;

export interface Sources {
  /** Source ids [batch, length], padded on the right. */
  source: Int32Array;
  /** [batch, length], 1 for tokens. */
  mask: Float32Array;
  batch: number;
  length: number;
}

/** Rows of ids, padded on the right with `padding`. */
export function padded(rows: readonly (readonly number[])[], length: number, padding: number): Sources {
  const source = new Int32Array(rows.length * length).fill(padding);
  const mask = new Float32Array(rows.length * length);
  for (const [b, row] of rows.entries()) {
    source.set(row, b * length);
    mask.fill(1, b * length, b * length + row.length);
  }
  return { source, mask, batch: rows.length, length };
}

const sourceInputs = ({ batch, length }: Sources) => ({
  source: { shape: [batch, length], dtype: 'int32' as const },
  mask: { shape: [batch, length] },
});

/** Numbers of axis 1 by time: [batch, time, width] -> time times [batch * width]. */
function byTime(values: Float32Array, batch: number, time: number): Float32Array[] {
  const width = values.length / (batch * time);
  return Array.from({ length: time }, (_, t) => {
    const at = new Float32Array(batch * width);
    for (let b = 0; b < batch; b++)
      at.set(values.subarray((b * time + t) * width, (b * time + t + 1) * width), b * width);
    return at;
  });
}

/** Logits of all positions of targets [batch, time] in parallel, by time [batch * vocab] each. */
export async function parallelLogits(
  engine: Engine,
  model: TranslationModel,
  weights: Weights,
  sources: Sources,
  ids: Int32Array,
): Promise<Float32Array[]> {
  const { batch, source, mask } = sources;
  const time = ids.length / batch;
  const program = await engine.compile({
    name: 'parallel',
    inputs: { ...sourceInputs(sources), ids: { shape: [batch, time], dtype: 'int32' } },
    constants: weights,
    program: (inputs, all) => {
      const memory = model.encode(inputs.source!, inputs.mask!, all);
      const hidden = model.hidden(inputs.ids!, { memory, mask: inputs.mask! }, all);
      return { outputs: { logits: model.logits(hidden, all) } };
    },
  });
  const { logits } = await program.run({ source, mask, ids });
  await program.dispose();
  return byTime(logits as Float32Array, batch, time);
}

export interface Translating {
  /** One target token each, [batch]: logits [batch, vocab]. */
  step(ids: Int32Array): Promise<Float32Array>;
  /** Several target tokens, [batch, count], in a program of `padTo` positions: logits after the last ones. */
  prefill(ids: Int32Array, count: number): Promise<Float32Array>;
  /** Makes row r of all states what row `rows[r]` was. */
  reorder(rows: readonly number[]): void;
  dispose(): Promise<void>;
}

export interface TranslatingOptions {
  capacity: number;
  padTo: number;
}

/** The source encoded and its state made, and the programs of the target, all with the weights of `stepWeights`. */
export async function translate(
  engine: Engine,
  model: TranslationModel,
  weights: Weights,
  sources: Sources,
  { capacity, padTo }: TranslatingOptions,
): Promise<Translating> {
  const { batch, source, mask, length } = sources;
  const constants = model.stepWeights(Object.fromEntries(Object.entries(weights).map(([n, { data }]) => [n, data])));
  const encoding = await engine.compile({
    name: 'encode',
    inputs: sourceInputs(sources),
    constants,
    program: (inputs, all) => {
      const memory = model.encode(inputs.source!, inputs.mask!, all);
      return { outputs: model.crossState({ memory, mask: inputs.mask! }, all) };
    },
  });
  const made = await encoding.run({ source, mask });
  await encoding.dispose();
  const specs = [...model.state(batch, capacity), ...model.crossStateSpecs(batch, length)];
  const initial = specs.map(({ name, shape }): [string, HostTensor] => {
    const data = (made[name] ?? new Float32Array(shape.reduce((a, b) => a * b, 1))) as Float32Array;
    return [name, { shape, data }];
  });
  const variables = engine.variables(Object.fromEntries(initial));
  const pick = (all: TensorMap) => Object.fromEntries(specs.map(({ name }) => [name, all[name]!]));
  const step = await engine.compile({
    name: 'step',
    inputs: { ids: { shape: [batch], dtype: 'int32' }, [POSITION]: SCALAR },
    variables,
    constants,
    program: (inputs, all) => {
      const result = model.step(inputs.ids!, inputs[POSITION]!, pick(all), all, { positionInput: POSITION });
      return { outputs: { logits: result.logits }, updates: result.state };
    },
  });
  const prefill = await engine.compile({
    name: 'prefill',
    inputs: { ids: { shape: [batch, padTo], dtype: 'int32' }, [POSITION]: SCALAR, count: SCALAR },
    variables,
    constants,
    program: ({ ids, count, [POSITION]: position }, all) => {
      const result = model.prefill(ids!, position!, count!, pick(all), all, { positionInput: POSITION });
      return { outputs: { logits: result.logits }, updates: result.state };
    },
  });
  let position = 0;
  const run = async (program: CompiledProgram, feeds: Record<string, Int32Array>, count: number) => {
    const { logits } = await program.run({ ...feeds, [POSITION]: Int32Array.of(position) });
    position += count;
    return logits as Float32Array;
  };
  return {
    step: (ids) => run(step, { ids }, 1),
    prefill(ids, count) {
      const tokens = new Int32Array(batch * padTo).fill(1); // what is not overwritten is padding
      for (let b = 0; b < batch; b++) tokens.set(ids.subarray(b * count, (b + 1) * count), b * padTo);
      return run(prefill, { ids: tokens, count: Int32Array.of(count) }, count);
    },
    reorder(rows) {
      for (const { name } of specs) {
        const before = (variables.read(name) as Float32Array).slice();
        const width = before.length / batch;
        const after = new Float32Array(before.length);
        for (const [r, from] of rows.entries()) after.set(before.subarray(from * width, (from + 1) * width), r * width);
        variables.write(name, after);
      }
    },
    async dispose() {
      await step.dispose();
      await prefill.dispose();
      variables.dispose();
    },
  };
}
