/**
 * States of many sequences side by side, each at a position of its own. The first rows are used; there is a program for every
 * power of two of rows up to all, and a step runs the smallest that has room. Programs whose rows do not give the same bits as
 * those of the largest are left out, so that what a sequence gives does not depend on how many others there are.
 */
import type { StateSpec } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import type { CompiledProgram, Engine, Variables, WeightFormat } from '@t2r/engine';
import type { LanguageModel, Weights } from '@t2r/models';
import { resizeCache, zeroState } from '../cache.js';
import { compileStep } from '../programs.js';
import type { GeneratorSnapshot } from '../snapshot/snapshot.js';

export interface RowsOptions {
  engine: Engine;
  model: LanguageModel;
  /** Those of `model.stepWeights`. */
  weights: Weights;
  /** Rows at most. */
  batch: number;
  /** Positions that caches have room for at first; it doubles as the longest sequence needs. */
  capacity: number;
  /** How weights are stored. Default fp32. */
  dtype?: WeightFormat;
}

export interface StateRows {
  /** Rows in use: 0 .. count-1. */
  readonly count: number;
  /** Sizes that there are programs for, ascending. */
  readonly sizes: readonly number[];
  /** Adds a row with a state of one sequence. */
  put(snapshot: GeneratorSnapshot): Promise<void>;
  /** Positions in a row's state. */
  position(row: number): number;
  /** A copy of a row's state. */
  take(row: number): GeneratorSnapshot;
  /** Frees a row; the last one moves into its place. */
  remove(row: number): void;
  /** Feeds one id to each row in use. Returns logits [rows, vocab], of which the first `count` rows count. */
  step(ids: ArrayLike<number>): Promise<Float32Array>;
  dispose(): Promise<void>;
}

interface Sized {
  variables: Variables;
  program: CompiledProgram;
}

/** Steps that sizes are compared over. */
const PROBE_STEPS = 4;
/** Steps that a smaller program would have done for, before the rows move into it. */
const PATIENCE = 16;

/** Compiles the programs of all sizes and compares them. */
export async function createStateRows({
  engine,
  model,
  weights,
  batch,
  capacity,
  dtype,
}: RowsOptions): Promise<StateRows> {
  let room = capacity;
  const programs = new Map<number, Sized>();
  const positions = new Int32Array(batch);
  const specsOf = (size: number): StateSpec[] => model.state(size, room);

  async function open(size: number): Promise<Sized> {
    const found = programs.get(size);
    if (found) return found;
    const specs = specsOf(size);
    const variables = engine.variables(zeroState(specs));
    const program = await compileStep({ engine, model, weights, variables, specs, batch: size, dtype });
    const opened = { variables, program };
    programs.set(size, opened);
    return opened;
  }

  /** Logits of all rows after some steps from nothing, the same ids in the same rows whatever the size. */
  async function probe(size: number): Promise<Float32Array> {
    const { variables, program } = await open(size);
    let logits: Float32Array = new Float32Array(0);
    for (let step = 0; step < PROBE_STEPS; step++) {
      const ids = Int32Array.from({ length: size }, (_, row) =>
        createRandom('probe', step, row).integer(model.config.vocab),
      );
      logits = (await program.run({ ids, position: new Int32Array(size).fill(step) })).logits as Float32Array;
    }
    for (const [name, { data }] of Object.entries(zeroState(specsOf(size)))) variables.write(name, data);
    return logits;
  }

  const whole = await probe(batch);
  const sizes: number[] = [];
  for (let size = 1; size < batch; size *= 2) {
    const logits = await probe(size);
    if (logits.every((value, i) => Object.is(value, whole[i]))) sizes.push(size);
    else {
      const unequal = programs.get(size)!;
      programs.delete(size);
      await unequal.program.dispose();
      unequal.variables.dispose();
    }
  }
  sizes.push(batch);

  const sizeFor = (rows: number) => sizes.find((candidate) => candidate >= rows)!;
  let size = sizes[0]!;
  let current = await open(size);
  let count = 0;
  let idle = 0;

  const copyRow = (from: Variables, to: Variables, rowFrom: number, rowTo: number, filled: number) => {
    for (const { name, grows } of specsOf(1)) {
      const rows = grows ? { axis: 2, start: 0, end: filled } : undefined;
      to.copyEntry(name, { from: rowFrom, to: rowTo, source: from, rows });
    }
  };

  async function moveTo(next: number): Promise<void> {
    const target = await open(next);
    for (let row = 0; row < count; row++) copyRow(current.variables, target.variables, row, row, positions[row]!);
    size = next;
    current = target;
  }

  /** Caches with room for a position: new variables and programs where there is too little. */
  async function reserve(needed: number): Promise<void> {
    if (model.recurrent || needed <= room) return;
    while (room < needed) room *= 2;
    const old = [...programs.values()];
    programs.clear();
    await moveTo(size);
    for (const { program, variables } of old) {
      await program.dispose();
      variables.dispose();
    }
  }

  return {
    get count() {
      return count;
    },
    sizes,
    async put(snapshot) {
      if (count === batch) throw new RangeError(`all ${batch} rows are in use`);
      await reserve(snapshot.position + 1);
      if (count + 1 > size) await moveTo(sizeFor(count + 1));
      const single = engine.variables(snapshot.state);
      copyRow(single, current.variables, 0, count, snapshot.position);
      single.dispose();
      positions[count++] = snapshot.position;
    },
    position: (row) => positions[row]!,
    take(row) {
      const single = engine.variables(zeroState(specsOf(1)));
      copyRow(current.variables, single, row, 0, positions[row]!);
      const state = Object.fromEntries(
        specsOf(1).map(({ name, shape, grows }) => {
          const tensor = { shape, data: single.read(name) };
          return [name, grows ? resizeCache(tensor, positions[row]!) : tensor];
        }),
      );
      return { position: positions[row]!, state };
    },
    remove(row) {
      const last = --count;
      if (row === last) return;
      copyRow(current.variables, current.variables, last, row, positions[last]!);
      positions[row] = positions[last]!;
    },
    async step(ids) {
      const fitting = sizeFor(count);
      idle = fitting < size ? idle + 1 : 0;
      if (idle > PATIENCE) await moveTo(fitting);
      await reserve(positions.subarray(0, count).reduce((most, position) => Math.max(most, position), 0) + 1);
      const fed = new Int32Array(size);
      fed.set(Array.from(ids).slice(0, count));
      // Rows that are free stay at position 0.
      positions.fill(0, count);
      const { logits } = await current.program.run({ ids: fed, position: positions.slice(0, size) });
      for (let row = 0; row < count; row++) positions[row]!++;
      return logits as Float32Array;
    },
    async dispose() {
      for (const { program, variables } of programs.values()) {
        await program.dispose();
        variables.dispose();
      }
      programs.clear();
    },
  };
}
