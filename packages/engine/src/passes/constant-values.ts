/** The numbers of constants in a graph. */
import type { Initializer } from '../onnx/graph.js';

/** The bytes in an array of their own where they do not begin at a multiple of `size`. */
const aligned = ({ data }: Readonly<Initializer>, size: number): Uint8Array =>
  data.byteOffset % size === 0 ? data : data.slice();

/** The numbers of a float32 constant. */
export function floatsOf(constant: Readonly<Initializer>): Float32Array {
  const { buffer, byteOffset, length } = aligned(constant, 4);
  return new Float32Array(buffer, byteOffset, length / 4);
}

/** The value of every element of a constant of floats or int32, if all are equal. */
export function uniformNumber(constant: Readonly<Initializer> | undefined): number | undefined {
  if (constant === undefined || constant.data.length === 0) return undefined;
  if (constant.type !== 'float32' && constant.type !== 'int32') return undefined;
  const { buffer, byteOffset, length } = aligned(constant, 4);
  const numbers =
    constant.type === 'float32'
      ? new Float32Array(buffer, byteOffset, length / 4)
      : new Int32Array(buffer, byteOffset, length / 4);
  const first = numbers[0]!;
  return numbers.every((item) => item === first) ? first : undefined;
}
