/** Variables kept in host arrays: two buffers each, so that a run can write the new value while it reads the old one. */
import { sizeOf } from './ops/shape.js';
import type { CompileOptions, EntryCopy, HostArray, InitialTensor, TensorSpec, Variables } from './types.js';

interface Slot {
  spec: Required<TensorSpec>;
  front: HostArray;
  /** Made when the variable is first updated. */
  back?: HostArray;
}

/** Zeros of a tensor. */
export function allocate(spec: Required<TensorSpec>): HostArray {
  const size = sizeOf(spec.shape);
  return spec.dtype === 'float32' ? new Float32Array(size) : new Int32Array(size);
}

export class HostVariables implements Variables {
  readonly #slots = new Map<string, Slot>();

  constructor(initial: Record<string, InitialTensor> = {}) {
    for (const [name, value] of Object.entries(initial)) this.add(name, value);
  }

  #slot(name: string): Slot {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new Error(`no variable '${name}'`);
    return slot;
  }

  names(): string[] {
    return [...this.#slots.keys()];
  }

  has(name: string): boolean {
    return this.#slots.has(name);
  }

  spec(name: string): Required<TensorSpec> {
    return this.#slot(name).spec;
  }

  add(name: string, value: InitialTensor): void {
    if (this.#slots.has(name)) throw new Error(`variable '${name}' exists already`);
    const spec = { shape: [...value.shape], dtype: value.dtype ?? 'float32' };
    this.#slots.set(name, { spec, front: allocate(spec) });
    if (value.data !== undefined) this.write(name, value.data);
  }

  /** The present value itself, not a copy. */
  current(name: string): HostArray {
    return this.#slot(name).front;
  }

  /** The buffer that the next value is written to; `swap` makes it the present one. */
  next(name: string): HostArray {
    const slot = this.#slot(name);
    slot.back ??= allocate(slot.spec);
    return slot.back;
  }

  swap(name: string): void {
    const slot = this.#slot(name);
    const { front, back } = slot;
    if (back === undefined) throw new Error(`variable '${name}' has no next value`);
    slot.front = back;
    slot.back = front;
  }

  read(name: string): HostArray {
    return this.current(name).slice();
  }

  write(name: string, data: HostArray): void {
    const { front, spec } = this.#slot(name);
    if (data.length !== front.length) {
      throw new Error(`variable '${name}' has shape [${spec.shape}], got ${data.length} values`);
    }
    front.set(data);
  }

  copyEntry(name: string, { from, to, source = this, rows }: EntryCopy): void {
    const { front, spec } = this.#slot(name);
    const other = (source as HostVariables).#slot(name);
    const { axis, start, end } = rows ?? { axis: 1, start: 0, end: spec.shape[1] ?? 1 };
    const [size, otherSize] = [spec.shape[axis] ?? 1, other.spec.shape[axis] ?? 1];
    const inside = (index: number, count: number) => Number.isInteger(index) && index >= 0 && index <= count;
    const entries = inside(from, (other.spec.shape[0] ?? 0) - 1) && inside(to, (spec.shape[0] ?? 0) - 1);
    const whole = rows !== undefined || size === otherSize;
    if (!entries || !whole || !inside(start, end) || !inside(end, Math.min(size, otherSize))) {
      const shapes = `[${spec.shape}] from [${other.spec.shape}]`;
      throw new Error(`variable '${name}' ${shapes}: no entries ${from} to ${to} with rows ${start} .. ${end}`);
    }
    const width = sizeOf(spec.shape.slice(axis + 1));
    const outer = sizeOf(spec.shape.slice(1, axis));
    for (let i = 0; i < outer; i++) {
      const read = ((from * outer + i) * otherSize + start) * width;
      copyNumbers(other.front, read, front, ((to * outer + i) * size + start) * width, (end - start) * width);
    }
  }

  dispose(): void {
    this.#slots.clear();
  }
}

/** Below it a loop is faster than the two calls that copy a part of an array. */
const SHORT = 128;

function copyNumbers(from: HostArray, start: number, to: HostArray, at: number, count: number): void {
  if (count > SHORT) to.set(from.subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i]!;
}

/**
 * Writes `rows` (same shape as the variable but for `axis`) into a variable, beginning at a row of `axis`: `at` holds one for
 * all entries along axis 0, or one each.
 */
export function writeRows(
  variables: HostVariables,
  name: string,
  rows: HostArray,
  rowsShape: readonly number[],
  axis: number,
  at: HostArray,
): void {
  const { shape } = variables.spec(name);
  const target = variables.current(name);
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  const stride = rowsShape[axis]! * inner;
  const perStart = outer / at.length;
  for (let i = 0; i < outer; i++) {
    const start = at[Math.floor(i / perStart)]!;
    // Right padding of a prefill may reach past the capacity; what does not fit is padding.
    const count = Math.min(rowsShape[axis]!, shape[axis]! - start);
    if (count <= 0) throw new Error(`row ${start} is outside variable '${name}' of shape [${shape}]`);
    copyNumbers(rows, i * stride, target, (i * shape[axis]! + start) * inner, count * inner);
  }
}

/** Refuses missing, unknown and wrongly sized feeds by name. */
export function checkFeeds(options: CompileOptions, feeds: Record<string, HostArray>): void {
  for (const [name, spec] of Object.entries(options.inputs)) {
    const data = feeds[name];
    if (data === undefined) throw new Error(`program '${options.name}': input '${name}' is missing`);
    if (data.length !== sizeOf(spec.shape)) {
      throw new Error(`program '${options.name}': input '${name}' is [${spec.shape}], got ${data.length} values`);
    }
  }
  for (const name of Object.keys(feeds)) {
    if (!(name in options.inputs)) throw new Error(`program '${options.name}' has no input '${name}'`);
  }
}
