/** IEEE 754 half precision. */

const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/** The 16 bits of the nearest half (ties to even); numbers too large become infinite. */
function toHalf(x: number): number {
  value[0] = x;
  const word = bits[0]!;
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below the least normal half, steps are 2^-24.
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(value[0]!) * 2 ** 24);
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

function roundEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low;
}

/** Rounds numbers to half precision. */
export function float16Bits(data: Float32Array): Uint16Array {
  return Uint16Array.from(data, toHalf);
}
