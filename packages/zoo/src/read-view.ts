/**
 * Reading a tensor from stored elements: all of them in order, or a view with strides (transposed, sliced). The elements
 * are decoded in pieces of `PIECE` bytes on the way, so that reading needs the result's memory and no more than that.
 */
import type { HostArray } from '@t2r/engine';
import type { ByteSource } from './bytes/byte-source.js';
import { countOf, type DecodedArray, type ElementType, elementOf, UnfitInteger } from './elements.js';
import type { Fail } from './format-error.js';
import type { LoadedTensor } from './tensor-source.js';

export interface StoredView {
  dtype: ElementType;
  shape: readonly number[];
  /** Byte of the source at which the element with index 0 in every dimension lies. */
  start: number;
  /** Distance of neighbours along each dimension, in elements; row-major when left out. */
  strides?: readonly number[];
  bigEndian?: boolean;
  /** Integers that stand for floats are read as such with 'float32'. */
  as?: 'float32';
}

const PIECE = 1 << 20;

/** Neighbours this far apart are read one by one instead of with all that lies between them. */
const FAR = 1 << 16;

/** A view that repeats stored elements (`expand`) may have this many, or as many as are stored. */
const REPEATED_ELEMENTS = 1 << 24;

/** Order of elements that row-major storage has. */
function rowMajor(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (const size of shape.toReversed()) {
    strides.unshift(stride);
    stride *= size;
  }
  return strides;
}

interface Dimension {
  size: number;
  /** In the source. */
  stride: number;
  /** In the result. */
  step: number;
}

/** The dimensions that move, the widest strides first: walking them in this order reads the source forwards. */
function movingDimensions(shape: readonly number[], strides: readonly number[]): Dimension[] {
  const steps = rowMajor(shape);
  return shape
    .map((size, axis) => ({ size, stride: strides[axis]!, step: steps[axis]! }))
    .filter(({ size }) => size > 1)
    .sort((a, b) => b.stride - a.stride);
}

const extentOf = (dimensions: readonly Dimension[]) =>
  dimensions.reduce((extent, { size, stride }) => extent + (size - 1) * stride, 1);

/** Whether each step of a dimension leads beyond all that lies within it: no element is met twice. */
const isForward = (dimensions: readonly Dimension[]) =>
  dimensions.every(({ stride }, at) => stride >= extentOf(dimensions.slice(at + 1)));

function swapBytes(bytes: Uint8Array, width: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else if (width === 8) buffer.swap64();
}

/** Decodes `count` elements that lie together from byte `start` on into `out`, from index `at` on. */
async function readRun(
  source: ByteSource,
  { dtype, bigEndian = false }: StoredView,
  start: number,
  count: number,
  out: DecodedArray,
  at = 0,
): Promise<void> {
  const { bytes, plain, decode } = elementOf(dtype);
  if (plain) {
    const target = new Uint8Array(out.buffer, out.byteOffset + at * bytes, count * bytes);
    await source.read(start, target);
    if (bigEndian) swapBytes(target, bytes);
    return;
  }
  const perPiece = PIECE / bytes;
  const raw = new ArrayBuffer(Math.min(count, perPiece) * bytes);
  for (let done = 0; done < count; done += perPiece) {
    const length = Math.min(perPiece, count - done);
    const piece = new Uint8Array(raw, 0, length * bytes);
    await source.read(start + done * bytes, piece);
    if (bigEndian) swapBytes(piece, bytes);
    decode(raw, length, out, at + done);
  }
}

function newArray(type: 'float32' | 'int32', count: number, fail: Fail): HostArray {
  try {
    return type === 'float32' ? new Float32Array(count) : new Int32Array(count);
  } catch (error) {
    if (error instanceof RangeError) throw fail(`${count} elements do not fit in memory`, 'Use a machine with more.');
    throw error;
  }
}

/** Walks a view in the order of the source and puts each element where the result has it. */
async function gather(
  source: ByteSource,
  view: StoredView,
  dimensions: readonly Dimension[],
  out: HostArray,
  fail: Fail,
): Promise<void> {
  const { bytes, wide } = elementOf(view.dtype);
  const extent = extentOf(dimensions);
  const forward = isForward(dimensions);
  const inner = dimensions.at(-1)!;
  const outer = dimensions.slice(0, -1);
  // A window moves over the source; elements that repeat are all kept at hand instead.
  const most = forward ? (inner.stride * bytes >= FAR ? 1 : PIECE / bytes) : extent;
  const length = Math.min(most, extent);
  const window = wide ? new Float64Array(length) : newArray(elementOf(view.dtype).reads, length, fail);
  let first = 0;
  let end = 0;
  const index = outer.map(() => 0);
  for (;;) {
    let from = outer.reduce((sum, { stride }, axis) => sum + index[axis]! * stride, 0);
    let to = outer.reduce((sum, { step }, axis) => sum + index[axis]! * step, 0);
    for (let i = 0; i < inner.size; ) {
      if (from >= end) {
        first = forward ? from : 0;
        end = Math.min(first + length, extent);
        await readRun(source, view, view.start + first * bytes, end - first, window);
      }
      const within = inner.stride === 0 ? inner.size : Math.floor((end - 1 - from) / inner.stride) + 1;
      for (const stop = Math.min(inner.size, i + within); i < stop; i++) {
        const value = window[from - first]!;
        if (wide && value !== (value | 0)) throw new UnfitInteger(value);
        out[to] = value;
        from += inner.stride;
        to += inner.step;
      }
    }
    let axis = outer.length - 1;
    while (axis >= 0 && ++index[axis]! === outer[axis]!.size) index[axis--] = 0;
    if (axis < 0) return;
  }
}

/**
 * Reads a view of stored elements into a row-major tensor.
 *
 * @param fail makes errors about this tensor
 * @throws UserError when the view reaches beyond the source, or a value does not fit
 */
export async function readView(source: ByteSource, view: StoredView, fail: Fail): Promise<LoadedTensor> {
  const { dtype, shape, start, strides = rowMajor(shape) } = view;
  const { bytes, reads } = elementOf(dtype);
  const type = view.as ?? reads;
  const count = countOf(shape);
  const dimensions = movingDimensions(shape, strides);
  const extent = count === 0 ? 0 : extentOf(dimensions);
  if (!(start + extent * bytes <= source.size))
    throw fail(`it ends at byte ${start + extent * bytes} of what is stored, but that has ${source.size} bytes`);
  if (count > Math.max(extent, REPEATED_ELEMENTS))
    throw fail(
      `it repeats ${extent} stored elements to ${count}`,
      'Store it without the repetition, or all of it: torch.save(tensor.contiguous(), ...).',
    );
  const data = newArray(type, count, fail);
  try {
    const inOrder = dimensions.every(({ stride, step }) => stride === step);
    if (inOrder || count === 0) await readRun(source, view, start, count, data);
    else await gather(source, view, dimensions, data, fail);
  } catch (error) {
    if (error instanceof UnfitInteger) throw fail(error.message, 'Store smaller values.');
    throw error;
  }
  return { shape: [...shape], dtype: type, data };
}
