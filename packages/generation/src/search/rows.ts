/** Moving state between programs of other sizes: rows chosen, repeated or dropped, and caches with more room. */
import { type HostArray, type HostTensor, sizeOf } from '@t2r/engine';
import { resizeCache } from '../cache.js';
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

/** Fills the state of `to` with rows of the state of `from`: its row i from row `rows[i]`. */
export function moveState(from: BoundProgram, to: BoundProgram, rows: readonly number[]): void {
  from.specs.forEach(({ name, shape, grows }, i) => {
    const taken = takeRows({ shape, data: from.variables.read(name) }, rows);
    to.variables.write(name, (grows ? resizeCache(taken, to.specs[i]!.shape[2]!) : taken).data);
  });
}

export function clearState({ specs, variables }: BoundProgram): void {
  for (const { name, shape } of specs) variables.write(name, new Float32Array(sizeOf(shape)));
}
