/** Means as Python's `statistics.mean` and numpy's `ndarray.mean` compute them, to the last bit. */

/** Mantissa and exponent: value = mantissa * 2^exponent, both whole. */
function decompose(value: number): { mantissa: bigint; exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const high = bits.getUint32(0);
  const biased = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(bits.getUint32(4));
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  return { mantissa: high >>> 31 ? -mantissa : mantissa, exponent: Math.max(biased, 1) - 1075 };
}

/** A quotient of whole numbers times 2^exponent, rounded once to a double, ties to even. Results must be normal. */
function roundQuotient(numerator: bigint, denominator: bigint, exponent: number): number {
  if (numerator === 0n) return 0;
  const sign = numerator < 0n ? -1 : 1;
  const size = numerator < 0n ? -numerator : numerator;
  // Scaled so that the quotient has 54 or 55 bits: 53 and the ones that decide the rounding.
  const shift = 55 - (size.toString(2).length - denominator.toString(2).length);
  const scaled = shift > 0 ? size << BigInt(shift) : size;
  const divisor = shift > 0 ? denominator : denominator << BigInt(-shift);
  let quotient = scaled / divisor;
  if (scaled % divisor !== 0n) quotient |= 1n; // sticky bit, below those that are kept
  const drop = BigInt(quotient.toString(2).length - 53);
  const kept = quotient >> drop;
  const rest = quotient & ((1n << drop) - 1n);
  const half = 1n << (drop - 1n);
  const rounded = rest > half || (rest === half && (kept & 1n) === 1n) ? kept + 1n : kept;
  return sign * Number(rounded) * 2 ** (exponent - shift + Number(drop));
}

/** The exact mean, rounded once. */
export function exactMean(values: ArrayLike<number>): number {
  const parts = Array.from(values, decompose).filter(({ mantissa }) => mantissa !== 0n);
  if (parts.length === 0) return 0;
  const least = parts.reduce((smallest, { exponent }) => Math.min(smallest, exponent), 1024);
  let sum = 0n;
  for (const { mantissa, exponent } of parts) sum += mantissa << BigInt(exponent - least);
  return roundQuotient(sum, BigInt(values.length), least);
}

/** numpy's pairwise sum: blocks of at most 128 with eight running sums, added as a tree. */
function pairwiseSum(
  values: ArrayLike<number>,
  round: (value: number) => number,
  start: number,
  count: number,
): number {
  if (count < 8) {
    let sum = -0;
    for (let i = start; i < start + count; i++) sum = round(sum + values[i]!);
    return sum;
  }
  if (count <= 128) {
    const lanes = Array.from({ length: 8 }, (_, lane) => values[start + lane]!);
    let i = 8;
    for (; i < count - (count % 8); i += 8) {
      for (let lane = 0; lane < 8; lane++) lanes[lane] = round(lanes[lane]! + values[start + i + lane]!);
    }
    const pairs = [0, 2, 4, 6].map((lane) => round(lanes[lane]! + lanes[lane + 1]!));
    let sum = round(round(pairs[0]! + pairs[1]!) + round(pairs[2]! + pairs[3]!));
    for (; i < count; i++) sum = round(sum + values[start + i]!);
    return sum;
  }
  const half = (count >> 1) - ((count >> 1) % 8);
  const left = pairwiseSum(values, round, start, half);
  return round(left + pairwiseSum(values, round, start + half, count - half));
}

/** `numpy.mean` of a one-dimensional array of doubles, or of single-precision values. */
export function numpyMean(values: ArrayLike<number>, single: boolean): number {
  const round = single ? Math.fround : (value: number) => value;
  return round(pairwiseSum(values, round, 0, values.length) / values.length);
}
