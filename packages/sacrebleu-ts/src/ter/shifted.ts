/** Edit distances of a hypothesis with one block of words moved. */
import { computeRow, type EditTable } from './edit-table.js';

/** A block of `length` words from `start` on, to be put before the word at `target` of the hypothesis as it was. */
export interface Shift {
  start: number;
  length: number;
  target: number;
}

/**
 * Where the moved block and the words that make room for it are swapped: [from, middle) and [middle, to). A target
 * inside the block moves it to the right by as many words, as in the original.
 */
function swap({ start, length, target }: Shift, words: number): { from: number; middle: number; to: number } {
  if (target < start) return { from: target, middle: start, to: start + length };
  const to = target > start + length ? target : Math.min(words, length + target);
  return { from: start, middle: start + length, to };
}

/** The hypothesis after the shift. */
export function shiftWords(words: Int32Array, shift: Shift): Int32Array {
  const { from, middle, to } = swap(shift, words.length);
  const shifted = words.slice();
  shifted.set(words.subarray(middle, to), from);
  shifted.set(words.subarray(from, middle), from + to - middle);
  return shifted;
}

/**
 * Finds distances of shifted hypotheses without computing their whole tables: rows before the swapped words are those of
 * the hypothesis as it was, and as soon as a row after them differs from the row there by the same number in all
 * cells, so does the last.
 */
export class ShiftedDistances {
  readonly #table: EditTable;
  #row: Int32Array;
  #other: Int32Array;

  constructor(table: EditTable) {
    this.#table = table;
    const columns = table.context.reference.length + 1;
    this.#row = new Int32Array(columns);
    this.#other = new Int32Array(columns);
  }

  /** Distance after the shift if it is at most `limit`; otherwise some number above `limit`. */
  distance(shift: Shift, limit: number): number {
    const { context, words, rows, distance } = this.#table;
    const { from, middle, to } = swap(shift, words.length);
    let previous = rows[from]!;
    for (let i = from + 1; i <= words.length; i++) {
      const at = i - 1;
      const moved = at < from + to - middle ? at + middle - from : at - (to - middle);
      const word = words[at < to ? moved : at]!;
      const row = this.#row;
      computeRow(context, i, word, previous, row);
      previous = row;
      this.#row = this.#other;
      this.#other = row;
      if (i < to) continue;
      const { least, most } = differences(row, rows[i]!, context.beam.first[i]!, context.beam.last[i]!);
      if (least === most || distance + least > limit) return distance + least;
    }
    return previous.at(-1)!;
  }
}

/** Least and greatest difference between the cells of two rows within the beam. */
function differences(row: Int32Array, base: Int32Array, first: number, last: number): { least: number; most: number } {
  let least = row[first]! - base[first]!;
  let most = least;
  for (let j = first + 1; j < last; j++) {
    const difference = row[j]! - base[j]!;
    if (difference < least) least = difference;
    else if (difference > most) most = difference;
  }
  return { least, most };
}
