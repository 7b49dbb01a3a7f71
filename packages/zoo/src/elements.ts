/** Element types of checkpoints, and how each becomes the float32 or int32 that models work with. */
import type { HostArray } from '@t2r/engine';

/** An integer that 32 bits do not hold. */
export class UnfitInteger extends Error {
  constructor(readonly value: number | bigint) {
    super(`value ${value} does not fit 32 bits`);
  }
}

/** Where decoded values go; Float64Array holds integers that are checked later, where they are used. */
export type DecodedArray = HostArray | Float64Array;

interface Element {
  /** Bytes of one element. */
  bytes: number;
  reads: 'float32' | 'int32';
  /** The bytes are those of the result, so nothing has to be decoded. */
  plain?: true;
  /** Values may not fit an int32. */
  wide?: true;
  /** Decodes `count` little-endian elements from the start of `raw` into `out`, from index `at` on. */
  decode(raw: ArrayBuffer, count: number, out: DecodedArray, at: number): void;
}

type IndexedArray = { readonly [index: number]: number };

/** Elements whose values are copied as they are. */
const copied = (
  bytes: number,
  reads: 'float32' | 'int32',
  view: new (raw: ArrayBuffer, start: number, count: number) => IndexedArray,
  plain?: true,
): Element => ({
  bytes,
  reads,
  plain,
  decode(raw, count, out, at) {
    const values = new view(raw, 0, count);
    for (let i = 0; i < count; i++) out[at + i] = values[i]!;
  },
});

/** Integers that may be too large; `Number` rounds what 53 bits do not hold, which does not fit either way. */
const wide = (
  bytes: number,
  view: new (raw: ArrayBuffer, start: number, count: number) => { readonly [index: number]: number | bigint },
): Element => ({
  bytes,
  reads: 'int32',
  wide: true,
  decode(raw, count, out, at) {
    const values = new view(raw, 0, count);
    const checked = out instanceof Int32Array;
    for (let i = 0; i < count; i++) {
      const value = Number(values[i]!);
      if (checked && value !== (value | 0)) throw new UnfitInteger(values[i]!);
      out[at + i] = value;
    }
  },
});

/** Small floats by a table of all their values. */
function tabled(bytes: 1 | 2, value: (bits: number) => number): Element {
  let table: Float32Array | undefined;
  const View = bytes === 1 ? Uint8Array : Uint16Array;
  return {
    bytes,
    reads: 'float32',
    decode(raw, count, out, at) {
      table ??= Float32Array.from({ length: 256 ** bytes }, (_, bits) => value(bits));
      const values = new View(raw, 0, count);
      for (let i = 0; i < count; i++) out[at + i] = table[values[i]!]!;
    },
  };
}

/** The value of a float with a sign bit and the given exponent and fraction bits, by IEEE 754. */
function smallFloat(bits: number, exponentBits: number, fractionBits: number): number {
  const sign = bits >>> (exponentBits + fractionBits) === 0 ? 1 : -1;
  const top = 2 ** exponentBits - 1;
  const exponent = (bits >>> fractionBits) & top;
  const fraction = bits & (2 ** fractionBits - 1);
  const bias = (top - 1) / 2;
  if (exponent === top) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias - fractionBits);
  return sign * (1 + fraction / 2 ** fractionBits) * 2 ** (exponent - bias);
}

/** E4M3 without infinities ("fn"): the top exponent holds ordinary values, only 0x7f and 0xff are NaN. */
function e4m3(bits: number): number {
  if ((bits & 0x7f) === 0x7f) return Number.NaN;
  if ((bits & 0x78) !== 0x78) return smallFloat(bits, 4, 3);
  return (bits & 0x80 ? -1 : 1) * (1 + (bits & 7) / 8) * 2 ** 8;
}

const bfloat16: Element = {
  bytes: 2,
  reads: 'float32',
  decode(raw, count, out, at) {
    const bits = new Uint16Array(raw, 0, count);
    // The upper half of a float32.
    const words = new Uint32Array(out.buffer, out.byteOffset + 4 * at, count);
    for (let i = 0; i < count; i++) words[i] = bits[i]! << 16;
  },
};

/** By the names of the safetensors format. */
const ELEMENTS = {
  F64: copied(8, 'float32', Float64Array),
  F32: copied(4, 'float32', Float32Array, true),
  F16: tabled(2, (bits) => smallFloat(bits, 5, 10)),
  BF16: bfloat16,
  F8_E4M3: tabled(1, e4m3),
  F8_E5M2: tabled(1, (bits) => smallFloat(bits, 5, 2)),
  I64: wide(8, BigInt64Array),
  I32: copied(4, 'int32', Int32Array, true),
  I16: copied(2, 'int32', Int16Array),
  I8: copied(1, 'int32', Int8Array),
  U64: wide(8, BigUint64Array),
  U32: wide(4, Uint32Array),
  U16: copied(2, 'int32', Uint16Array),
  U8: copied(1, 'int32', Uint8Array),
  BOOL: copied(1, 'int32', Uint8Array),
} satisfies Record<string, Element>;

/** Element types that are read, by the names of the safetensors format. */
export type ElementType = keyof typeof ELEMENTS;

export const ELEMENT_TYPES = Object.keys(ELEMENTS) as ElementType[];

export const isElementType = (name: unknown): name is ElementType =>
  typeof name === 'string' && Object.hasOwn(ELEMENTS, name);

export const elementOf = (type: ElementType): Element => ELEMENTS[type];

/** Number of elements; a product beyond 2^53 comes out too large to be any file's, never small. */
export const countOf = (shape: readonly number[]): number => (shape.includes(0) ? 0 : shape.reduce((a, b) => a * b, 1));

/** Bytes that the elements of a tensor take. */
export const bytesOf = (type: ElementType, shape: readonly number[]): number => ELEMENTS[type].bytes * countOf(shape);

/** As many dimensions as PyTorch's and NumPy's arrays can have. */
const MOST_DIMENSIONS = 64;

export const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether a value is a list of sizes that a tensor can have. */
export const isShape = (value: unknown): value is number[] =>
  Array.isArray(value) && value.length <= MOST_DIMENSIONS && value.every(isSize);
