/** Tensors cut or extended along an axis. */

/**
 * Row-major values of another length along an axis: what both have is copied, what is new is zero.
 *
 * @param shape of `values`
 */
export function resizeAxis(
  values: Float32Array,
  shape: readonly number[],
  axis: number,
  length: number,
): Float32Array<ArrayBuffer> {
  const product = (sizes: readonly number[]) => sizes.reduce((size, next) => size * next, 1);
  const before = shape[axis]!;
  const rows = product(shape.slice(0, axis));
  const width = product(shape.slice(axis + 1));
  const kept = Math.min(before, length) * width;
  const resized = new Float32Array(rows * length * width);
  for (let row = 0; row < rows; row++) {
    const start = row * before * width;
    resized.set(values.subarray(start, start + kept), row * length * width);
  }
  return resized;
}
