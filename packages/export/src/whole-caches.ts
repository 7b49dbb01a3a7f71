/**
 * State updates as whole tensors. On the host, growing caches get only the rows that are new; a graph that hands its state to
 * whoever runs it gives back the caches with those rows in them.
 */
import type { StateUpdate } from '@t2r/attention';
import * as tf from '@tensorflow/tfjs-core';

/** Axis of a cache that counts positions: [batch, heads, capacity, headDim]. */
export const TIME_AXIS = 2;

/** `cache` [B,H,C,d] with `rows` [B,H,T,d] in place of those from `position` (int32 scalar) on; rows past the end are left out. */
function withRows(cache: tf.Tensor, rows: tf.Tensor, position: tf.Tensor): tf.Tensor {
  const capacity = cache.shape[TIME_AXIS]!;
  const time = rows.shape[TIME_AXIS]!;
  const places = tf.range(0, capacity, 1, 'int32'); // [C]
  const offset = tf.sub(places, position); // [C]: number of the new row that belongs there
  const isNew = tf.logicalAnd(
    tf.greaterEqual(offset, tf.scalar(0, 'int32')),
    tf.less(offset, tf.scalar(time, 'int32')),
  );
  const from = tf.where(isNew, tf.add(offset, tf.scalar(capacity, 'int32')), places); // [C], in cache and rows together
  return tf.gather(tf.concat([cache, rows], TIME_AXIS), tf.cast(from, 'int32'), TIME_AXIS);
}

/**
 * The new value of a state tensor.
 *
 * @param before its value so far
 * @param positions int32 [batch], what the rows of each sequence begin at
 */
export function wholeUpdate(update: StateUpdate, before: tf.Tensor, positions: tf.Tensor): tf.Tensor {
  if (!('rows' in update)) return update;
  const [batch] = before.shape as [number];
  if (batch === 1) return withRows(before, update.rows, tf.reshape(positions, []));
  const parts = (x: tf.Tensor) => tf.split(x, batch, 0);
  const [caches, rows, starts] = [parts(before), parts(update.rows), parts(positions)];
  return tf.concat(
    caches.map((cache, i) => withRows(cache, rows[i]!, tf.reshape(starts[i]!, []))),
    0,
  );
}
