/**
 * Sinusoidal positions [sin | cos], the flavour of tensor2tensor and fairseq: for frequency j < dim / 2,
 * sin(p w_j) and cos(p w_j) with w_j = 10000^(-j / (dim / 2 - 1)).
 */
import * as tf from '@tensorflow/tfjs-core';

function frequencies(dim: number): number[] {
  const half = Math.floor(dim / 2);
  return Array.from({ length: half }, (_, j) => 10000 ** (-j / Math.max(half - 1, 1)));
}

/** Rows 0 .. length-1 of the table, computed in double precision, row-major [length, dim]. An odd last column is zero. */
export function sinusoidalTable(length: number, dim: number): Float32Array {
  const table = new Float32Array(length * dim);
  const w = frequencies(dim);
  for (let p = 0; p < length; p++) {
    for (const [j, frequency] of w.entries()) {
      table[p * dim + j] = Math.sin(p * frequency);
      table[p * dim + w.length + j] = Math.cos(p * frequency);
    }
  }
  return table;
}

/** Positions have two digits in this base, so the longest one is BASE^2 - 1 = 1,048,575. */
const BASE = 1024;

/** Row for each digit d of weight `unit`: angles p = d * unit, laid out by `row`, as a tensor [BASE, 2, dim]. */
function digitTable(dim: number, unit: number, row: (sin: number, cos: number) => [number, number, number, number]) {
  const table = new Float32Array(BASE * 2 * dim);
  const w = frequencies(dim);
  for (let digit = 0; digit < BASE; digit++) {
    for (const [j, frequency] of w.entries()) {
      const angle = digit * unit * frequency;
      const [a, b, c, d] = row(Math.sin(angle), Math.cos(angle));
      const at = digit * 2 * dim + j;
      table[at] = a;
      table[at + w.length] = b;
      table[at + dim] = c;
      table[at + dim + w.length] = d;
    }
  }
  return tf.tensor3d(table, [BASE, 2, dim]);
}

/**
 * Rows of the table for positions [n] (int32) known only at run time -> [n, dim].
 *
 * sin(p w) of a large p cannot be computed in float32: at p = 100,000 the argument itself is off by up to 0.004. So p is
 * split as 1024 h + l, the sines of either part come from tables computed in double precision, and the angle addition
 * theorem joins them: sin(h + l) = sin h cos l + cos h sin l, cos(h + l) = cos h cos l - sin h sin l. The error stays
 * within 2e-7 at every position.
 */
export function sinusoidalRows(positions: tf.Tensor, dim: number): tf.Tensor {
  const high = tf.floorDiv(positions, tf.scalar(BASE, 'int32')); // [n]
  const low = tf.sub(positions, tf.mul(high, tf.scalar(BASE, 'int32'))); // [n]
  const highRows = tf.gather(
    digitTable(dim, BASE, (sin, cos) => [sin, cos, cos, sin]),
    high as tf.Tensor1D,
  ); // [n, 2, dim]
  const lowRows = tf.gather(
    digitTable(dim, 1, (sin, cos) => [cos, cos, sin, -sin]),
    low as tf.Tensor1D,
  ); // [n, 2, dim]
  return tf.sum(tf.mul(highRows, lowRows), 1); // [n, dim]
}
