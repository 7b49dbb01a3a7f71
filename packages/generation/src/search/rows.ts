/** Moving state between programs of other sizes: rows chosen, repeated or dropped, and caches with more room. */
import { type HostArray, type HostTensor, sizeOf } from '@t2r/engine';
import type { BoundProgram } from './programs.js';

/** Entries `rows` of axis 0, in that order; an entry may be taken more than once. */
export function takeRows({ shape, data }: HostTensor, rows: readonly number[]): HostTensor {
  const width = sizeOf(shape.slice(1));
  const taken =
    data instanceof Float32Array ? new Float32Array(rows.length * width) : new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    (taken as Float32Array).set(data.subarray(row * width, (row + 1) * width) as Float32Array, i * width);
  });
  return { shape: [rows.length, ...shape.slice(1)], data: taken as HostArray };
}

/**
 * Fills the state of `to` with rows of the state of `from`, which has `positions` positions: its row i from row `rows[i]`.
 * Caches may have other capacities; what lies after the positions does not matter.
 */
export function moveState(from: BoundProgram, to: BoundProgram, rows: readonly number[], positions: number): void {
  for (const { name, grows } of to.specs) {
    const part = grows ? { axis: 2, start: 0, end: positions } : undefined;
    rows.forEach((row, i) => {
      to.variables.copyEntry(name, { from: row, to: i, source: from.variables, rows: part });
    });
  }
}

export function clearState({ specs, variables }: BoundProgram): void {
  for (const { name, shape } of specs) variables.write(name, new Float32Array(sizeOf(shape)));
}
