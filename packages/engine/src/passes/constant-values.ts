/** The numbers of constants in a graph. */
import type { Initializer } from '../onnx/graph.js';

/** The bytes in an array of their own where they do not begin at a multiple of four. */
const aligned = ({ data }: Readonly<Initializer>): Uint8Array => (data.byteOffset % 4 === 0 ? data : data.slice());

/** The numbers of a float32 constant. */
export function floatsOf(constant: Readonly<Initializer>): Float32Array {
  const { buffer, byteOffset, length } = aligned(constant);
  return new Float32Array(buffer, byteOffset, length / 4);
}

/** The value of every element of a constant of floats or int32, if all are equal. */
export function uniformNumber(constant: Readonly<Initializer> | undefined): number | undefined {
  if (constant === undefined || constant.data.length === 0) return undefined;
  if (constant.type !== 'float32' && constant.type !== 'int32') return undefined;
  const { buffer, byteOffset, length } = aligned(constant);
  const numbers = constant.type === 'float32' ? floatsOf(constant) : new Int32Array(buffer, byteOffset, length / 4);
  const first = numbers[0]!;
  return numbers.every((item) => item === first) ? first : undefined;
}
