/** Edit distance from a hypothesis to a reference, with the operations behind it. */
import type { Beam } from './beam.js';

/** More than any distance; left where nothing is computed. */
const INFINITE = 2 ** 30;

/** How a cell was reached. */
export const OPERATION = { none: 0, substitute: 1, delete: 2, insert: 3 } as const;

/** What rows of the table are computed from. */
export interface EditContext {
  reference: Int32Array;
  beam: Beam;
}

/**
 * Computes row `i` from row `i - 1`. Cells beyond the beam that the next row looks at become infinite.
 *
 * @param word the i-th word of the hypothesis
 * @param operations filled too where given; none, substitution, deletion, insertion win in this order
 */
export function computeRow(
  { reference, beam }: EditContext,
  i: number,
  word: number,
  previous: Int32Array,
  row: Int32Array,
  operations?: Uint8Array,
): void {
  const first = beam.first[i]!;
  const last = beam.last[i]!;
  let j = first;
  if (j > 0) row[j - 1] = INFINITE;
  else {
    row[0] = previous[0]! + 1;
    if (operations !== undefined) operations[0] = OPERATION.delete;
    j = 1;
  }
  let left = j > 0 ? row[j - 1]! : INFINITE;
  let above = previous[j - 1]!;
  for (; j < last; j++) {
    const diagonal = above;
    above = previous[j]!;
    const same = word === reference[j - 1];
    let cost = same ? diagonal : diagonal + 1;
    let operation: number = same ? OPERATION.none : OPERATION.substitute;
    if (above + 1 < cost) {
      cost = above + 1;
      operation = OPERATION.delete;
    }
    if (left + 1 < cost) {
      cost = left + 1;
      operation = OPERATION.insert;
    }
    if (cost > INFINITE) cost = INFINITE;
    row[j] = cost;
    left = cost;
    if (operations !== undefined) operations[j] = operation;
  }
  const next = beam.last[i + 1];
  if (next !== undefined) row.fill(INFINITE, last, next);
}

/** The whole table of one hypothesis. */
export class EditTable {
  readonly rows: Int32Array[];
  readonly #operations: Uint8Array[];

  constructor(
    readonly context: EditContext,
    readonly words: Int32Array,
  ) {
    const columns = context.reference.length + 1;
    this.rows = [Int32Array.from({ length: columns }, (_, j) => j)];
    this.#operations = [new Uint8Array(columns).fill(OPERATION.insert)];
    for (let i = 1; i <= words.length; i++) {
      const row = new Int32Array(columns);
      const operations = new Uint8Array(columns);
      computeRow(context, i, words[i - 1]!, this.rows[i - 1]!, row, operations);
      this.rows.push(row);
      this.#operations.push(operations);
    }
  }

  get distance(): number {
    return this.rows.at(-1)!.at(-1)!;
  }

  /** Operations from the last to the first. */
  *operations(): Generator<number> {
    let i = this.words.length;
    let j = this.context.reference.length;
    while (i > 0 || j > 0) {
      const operation = this.#operations[i]![j]!;
      yield operation;
      if (operation !== OPERATION.insert) i--;
      if (operation !== OPERATION.delete) j--;
    }
  }
}
