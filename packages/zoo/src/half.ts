/** The two 16-bit float formats that checkpoints use, widened to float32 (exact: every value of both has a float32). */

/** IEEE 754 binary16 (1 sign, 5 exponent, 10 fraction bits) to float32. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) {
    const half = bits[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >>> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) {
      // Zeros and subnormals: fraction * 2^-24.
      out[i] = fraction * 2 ** -24;
      words[i] = words[i]! | sign;
    } else if (exponent === 0x1f) {
      words[i] = sign | 0x7f800000 | (fraction << 13);
    } else {
      words[i] = sign | ((exponent + 112) << 23) | (fraction << 13);
    }
  }
  return out;
}

/** bfloat16 (the upper half of a float32) to float32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array {
  const out = new Float32Array(bits.length);
  const words = new Uint32Array(out.buffer);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return out;
}
