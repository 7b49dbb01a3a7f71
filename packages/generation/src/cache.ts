/** Host-side shaping of recurrent state: initial zeros, and caches cut or extended along their time axis. */
import type { StateSpec } from '@t2r/attention';
import { type HostTensor, sizeOf } from '@t2r/engine';

/** Axis of a growing cache that counts positions: [batch, heads, capacity, headDim]. */
const TIME_AXIS = 2;

/** Zeros for each tensor of a state, by name. */
export function zeroState(specs: readonly StateSpec[]): Record<string, HostTensor> {
  return Object.fromEntries(
    specs.map(({ name, shape }) => [name, { shape, data: new Float32Array(sizeOf(shape)) } satisfies HostTensor]),
  );
}

/**
 * A cache [batch, heads, capacity, headDim] of another capacity: positions both have are copied, new ones are zero.
 * The data itself where the capacity is the same.
 */
export function resizeCache(cache: HostTensor, capacity: number): HostTensor {
  const from = cache.shape[TIME_AXIS]!;
  if (from === capacity) return cache;
  const shape = cache.shape.with(TIME_AXIS, capacity);
  const rows = sizeOf(shape.slice(0, TIME_AXIS));
  const width = sizeOf(shape.slice(TIME_AXIS + 1));
  const data = new Float32Array(rows * capacity * width);
  const kept = Math.min(from, capacity) * width;
  for (let row = 0; row < rows; row++) {
    const start = row * from * width;
    data.set(cache.data.subarray(start, start + kept), row * capacity * width);
  }
  return { shape, data };
}

/** A tensor of one sequence, [1, ...], as that of `batch` alike; one of `batch` sequences as it is. */
export function repeatRow(tensor: HostTensor, batch: number): HostTensor {
  const rows = tensor.shape[0]!;
  if (rows === batch) return tensor;
  const width = tensor.data.length;
  const data = new Float32Array(batch * width);
  for (let row = 0; row < batch; row++) data.set(tensor.data, row * width);
  return { shape: [batch, ...tensor.shape.slice(1)], data };
}
