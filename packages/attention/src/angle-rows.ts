/**
 * Sines and cosines of positions p times frequencies w_j, laid out [sin | cos], for absolute and for rotary positions.
 * Computed in double precision: in float32 the argument itself would be off by up to 0.004 radians at p = 100,000.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Rows 0 .. length-1, row-major [length, width], with width >= 2 * frequencies; further columns are zero. */
export function angleTable(length: number, frequencies: readonly number[], width: number): Float32Array {
  const table = new Float32Array(length * width);
  for (let p = 0; p < length; p++) {
    for (const [j, frequency] of frequencies.entries()) {
      table[p * width + j] = Math.sin(p * frequency);
      table[p * width + frequencies.length + j] = Math.cos(p * frequency);
    }
  }
  return table;
}

/** Positions have two digits in this base, so the longest one is BASE^2 - 1 = 1,048,575. */
const BASE = 1024;

type Layout = (sin: number, cos: number) => [number, number, number, number];

/** Row for each digit d of weight `unit`: angles p = d * unit, laid out by `row`, as a tensor [BASE, 2, width]. */
function digitTable(frequencies: readonly number[], width: number, unit: number, row: Layout) {
  const table = new Float32Array(BASE * 2 * width);
  for (let digit = 0; digit < BASE; digit++) {
    for (const [j, frequency] of frequencies.entries()) {
      const angle = digit * unit * frequency;
      const [a, b, c, d] = row(Math.sin(angle), Math.cos(angle));
      const at = digit * 2 * width + j;
      table[at] = a;
      table[at + frequencies.length] = b;
      table[at + width] = c;
      table[at + width + frequencies.length] = d;
    }
  }
  return tf.tensor3d(table, [BASE, 2, width]);
}

/**
 * Rows for positions [n] (int32) known only at run time -> [n, width].
 *
 * p is split as 1024 h + l, the sines of either part come from tables computed in double precision, and the angle addition
 * theorem joins them: sin(h + l) = sin h cos l + cos h sin l, cos(h + l) = cos h cos l - sin h sin l. The error stays
 * within 2e-7 at every position.
 */
export function angleRows(positions: tf.Tensor, frequencies: readonly number[], width: number): tf.Tensor {
  const high = tf.floorDiv(positions, tf.scalar(BASE, 'int32')); // [n]
  const low = tf.sub(positions, tf.mul(high, tf.scalar(BASE, 'int32'))); // [n]
  const highRows = tf.gather(
    digitTable(frequencies, width, BASE, (sin, cos) => [sin, cos, cos, sin]),
    high as tf.Tensor1D,
  ); // [n, 2, width]
  const lowRows = tf.gather(
    digitTable(frequencies, width, 1, (sin, cos) => [cos, cos, sin, -sin]),
    low as tf.Tensor1D,
  ); // [n, 2, width]
  return tf.sum(tf.mul(highRows, lowRows), 1); // [n, width]
}
