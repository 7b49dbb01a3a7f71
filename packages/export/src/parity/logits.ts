/** Comparing rows of logits. */

/** Index of the largest value of `values[start .. start + size - 1]`, counted from `start`. */
export function bestOf(values: Float32Array, start: number, size: number): number {
  let best = 0;
  for (let i = 1; i < size; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}

/** -log softmax(values[start ..])[target] */
export function surprisal(values: Float32Array, start: number, size: number, target: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < size; i++) top = Math.max(top, values[start + i]!);
  let sum = 0;
  for (let i = 0; i < size; i++) sum += Math.exp(values[start + i]! - top);
  return top + Math.log(sum) - values[start + target]!;
}

/** Largest absolute difference of `size` values. */
export function largestDifference(
  a: { values: Float32Array; start: number },
  b: { values: Float32Array; start: number },
  size: number,
): number {
  let largest = 0;
  for (let i = 0; i < size; i++) {
    const difference = Math.abs(a.values[a.start + i]! - b.values[b.start + i]!);
    // NaN must not pass for equal.
    if (!(difference <= largest)) largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return largest;
}

/** Largest absolute value. */
export function largestValue(values: Float32Array): number {
  let largest = 0;
  for (const value of values) largest = Math.max(largest, Math.abs(value));
  return largest;
}
