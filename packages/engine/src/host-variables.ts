/** Variables kept in host arrays: two buffers each, so that a run can write the new value while it reads the old one. */
import { sizeOf } from './ops/shape.js';
import type { CompileOptions, EntryRows, HostArray, HostTensor, TensorSpec, Variables } from './types.js';

interface Slot {
  spec: Required<TensorSpec>;
  front: HostArray;
  /** Made when the variable is first updated. */
  back?: HostArray;
}

function allocate(spec: Required<TensorSpec>): HostArray {
  const size = sizeOf(spec.shape);
  return spec.dtype === 'float32' ? new Float32Array(size) : new Int32Array(size);
}

export class HostVariables implements Variables {
  readonly #slots = new Map<string, Slot>();

  constructor(initial: Record<string, HostTensor> = {}) {
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

  add(name: string, value: HostTensor): void {
    if (this.#slots.has(name)) throw new Error(`variable '${name}' exists already`);
    const spec = { shape: [...value.shape], dtype: value.dtype ?? 'float32' };
    this.#slots.set(name, { spec, front: allocate(spec) });
    this.write(name, value.data);
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

  copyEntry(name: string, from: number, to: number, rows?: EntryRows): void {
    const { front, spec } = this.#slot(name);
    const { shape } = spec;
    const { axis, start, end } = rows ?? { axis: 1, start: 0, end: shape[1] ?? 1 };
    const inside = (index: number, size: number) => Number.isInteger(index) && index >= 0 && index <= size;
    const entries = shape[0] ?? 0;
    if (
      !inside(from, entries - 1) ||
      !inside(to, entries - 1) ||
      !inside(start, end) ||
      !inside(end, shape[axis] ?? 1)
    ) {
      throw new Error(`variable '${name}' of shape [${shape}]: no entries ${from}, ${to} with rows ${start} .. ${end}`);
    }
    const width = sizeOf(shape.slice(axis + 1));
    const length = (shape[axis] ?? 1) * width;
    const outer = sizeOf(shape.slice(1, axis));
    for (let i = 0; i < outer; i++) {
      const source = (from * outer + i) * length;
      front.copyWithin((to * outer + i) * length + start * width, source + start * width, source + end * width);
    }
  }

  dispose(): void {
    this.#slots.clear();
  }
}

/** Writes `rows` (same shape as the variable but for `axis`) into a variable, beginning at row `at` of `axis`. */
export function writeRows(
  variables: HostVariables,
  name: string,
  rows: HostArray,
  rowsShape: readonly number[],
  axis: number,
  at: number,
): void {
  const { shape } = variables.spec(name);
  const target = variables.current(name);
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  // Right padding of a prefill may reach past the capacity; what does not fit is padding.
  const count = Math.min(rowsShape[axis]!, shape[axis]! - at);
  if (count <= 0) throw new Error(`row ${at} is outside variable '${name}' of shape [${shape}]`);
  const stride = rowsShape[axis]! * inner;
  for (let i = 0; i < outer; i++) {
    target.set(rows.subarray(i * stride, i * stride + count * inner), (i * shape[axis]! + at) * inner);
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
