/**
 * How tensors of this project are stored in other ones. All weights here are [in, out]; a stored tensor is made of one or
 * several of them, its parts. A bias [out] is a row of such a matrix.
 */

type Shape = readonly number[];

export interface Transform {
  /** Shape of the stored tensor of parts of these shapes. */
  shape(parts: readonly Shape[]): number[];
  /** The parts of a stored tensor. */
  split(stored: Float32Array, parts: readonly Shape[]): Float32Array[];
  /** The stored tensor of its parts. */
  join(data: readonly Float32Array[], parts: readonly Shape[]): Float32Array;
}

const sizeOf = (shape: Shape) => shape.reduce((size, dim) => size * dim, 1);
const inputs = (shape: Shape) => (shape.length === 1 ? 1 : shape[0]!);
const outputs = (shape: Shape) => shape.at(-1)!;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** One part, stored as it is. */
export const same: Transform = {
  shape: ([part]) => [...part!],
  split: (stored) => [stored],
  join: ([data]) => data!,
};

/** A vector, stored as a matrix of one row. */
export const oneRow: Transform = {
  shape: ([part]) => [1, ...part!],
  split: (stored) => [stored],
  join: ([data]) => data!,
};

/** Parts side by side, stored [in, sum of out]: GPT-2's Conv1D. */
export const columns: Transform = {
  shape: (parts) => [...(parts[0]!.length === 1 ? [] : [inputs(parts[0]!)]), sum(parts.map(outputs))],
  split(stored, parts) {
    const total = sum(parts.map(outputs));
    let from = 0;
    return parts.map((part) => {
      const out = outputs(part);
      const data = new Float32Array(sizeOf(part));
      for (let row = 0; row < inputs(part); row++)
        data.set(stored.subarray(row * total + from, row * total + from + out), row * out);
      from += out;
      return data;
    });
  },
  join(data, parts) {
    const total = sum(parts.map(outputs));
    const stored = new Float32Array(inputs(parts[0]!) * total);
    let from = 0;
    for (const [i, part] of parts.entries()) {
      const out = outputs(part);
      for (let row = 0; row < inputs(part); row++)
        stored.set(data[i]!.subarray(row * out, (row + 1) * out), row * total + from);
      from += out;
    }
    return stored;
  },
};

/** Row of the stored tensor that holds column `column` of part `part`. */
export type RowOrder = (part: number, column: number, parts: readonly Shape[]) => number;

export interface RowOptions {
  /** Default: the parts one after the other. */
  order?: RowOrder;
  /** Which parts are [out, in] here already; default: none. */
  upright?: readonly boolean[];
}

const consecutive: RowOrder = (part, column, parts) => sum(parts.slice(0, part).map(outputs)) + column;

/** Side of the squares in which matrices are transposed: both sides of one fit a core's cache. */
const BLOCK = 32;

/** Copies between rows of a stored tensor [., width] and the columns of a matrix [width, count]. */
function transpose(
  stored: Float32Array,
  matrix: Float32Array,
  [width, count]: [number, number],
  rowOf: (column: number) => number,
  toMatrix: boolean,
): void {
  const rows = Float64Array.from({ length: count }, (_, column) => rowOf(column) * width);
  for (let c0 = 0; c0 < count; c0 += BLOCK) {
    const c1 = Math.min(c0 + BLOCK, count);
    for (let i0 = 0; i0 < width; i0 += BLOCK) {
      const i1 = Math.min(i0 + BLOCK, width);
      for (let c = c0; c < c1; c++) {
        const row = rows[c]!;
        if (toMatrix) for (let i = i0; i < i1; i++) matrix[i * count + c] = stored[row + i]!;
        else for (let i = i0; i < i1; i++) stored[row + i] = matrix[i * count + c]!;
      }
    }
  }
}

/** Parts transposed and stacked, stored [sum of out, in]: PyTorch's Linear. */
export function rows({ order = consecutive, upright = [] }: RowOptions = {}): Transform {
  const widthOf = (parts: readonly Shape[]) => (upright[0] ? outputs(parts[0]!) : inputs(parts[0]!));
  const countOf = (parts: readonly Shape[], part: number) =>
    upright[part] ? inputs(parts[part]!) : outputs(parts[part]!);
  const move = (stored: Float32Array, data: Float32Array, parts: readonly Shape[], part: number, out: boolean) => {
    const width = widthOf(parts);
    const count = countOf(parts, part);
    const counts = parts.map((_, i) => [countOf(parts, i)]);
    const rowOf = (column: number) => order(part, column, counts);
    if (!upright[part]) return transpose(stored, data, [width, count], rowOf, out);
    for (let i = 0; i < count; i++) {
      const row = rowOf(i) * width;
      if (out) data.set(stored.subarray(row, row + width), i * width);
      else stored.set(data.subarray(i * width, (i + 1) * width), row);
    }
  };
  return {
    shape: (parts) => [
      sum(parts.map((_, i) => countOf(parts, i))),
      ...(parts[0]!.length === 1 ? [] : [widthOf(parts)]),
    ],
    split: (stored, parts) =>
      parts.map((part, i) => {
        const data = new Float32Array(sizeOf(part));
        move(stored, data, parts, i, true);
        return data;
      }),
    join(data, parts) {
      const stored = new Float32Array(sum(parts.map(sizeOf)));
      for (const [i] of parts.entries()) move(stored, data[i]!, parts, i, false);
      return stored;
    },
  };
}

/** One part transposed: PyTorch's Linear. */
export const transposed = rows();

/** Queries, keys and values in turns, head by head, [heads * 3 * headDim, in]: GPT-NeoX. */
export function headByHead(heads: number): Transform {
  return rows({
    order: (part, column, parts) => {
      const width = outputs(parts[0]!) / heads;
      const head = Math.floor(column / width);
      return (head * parts.length + part) * width + (column % width);
    },
  });
}

/**
 * Queries or keys whose rotary pairs are columns 2j and 2j + 1 of a head, transposed, for a model that turns j and
 * j + half: LLaMA's own files.
 */
export function rotaryPairs(heads: number): Transform {
  return rows({
    order: (_, column, [part]) => {
      const width = outputs(part!) / heads;
      const within = column % width;
      return column - within + 2 * (within % (width / 2)) + Math.floor(within / (width / 2));
    },
  });
}
