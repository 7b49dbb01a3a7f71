/** Absolute positions that are added to token embeddings: rows of a learned table, or sinusoids. */
import { angleRows, angleTable } from '@t2r/attention';
import { UserError } from '@t2r/core';
import { embedding, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { LmConfig } from './types.js';

/**
 * Flavours of sinusoidal positions, sin(p w_j) and cos(p w_j) for j < n = dim / 2:
 *
 *     tensor2tensor   [sin | cos]         w_j = 10000^(-j / (n - 1))      fairseq too
 *     marian          [sin | cos]         w_j = 10000^(-2j / dim)
 *     vaswani         sin, cos in turns   w_j = 10000^(-2j / dim)         Vaswani et al. 2017; OpenNMT-py
 */
export type Sinusoids = 'tensor2tensor' | 'marian' | 'vaswani';

function frequencies(dim: number, flavour: Sinusoids): number[] {
  const half = Math.floor(dim / 2);
  const last = flavour === 'tensor2tensor' ? Math.max(half - 1, 1) : dim / 2;
  return Array.from({ length: half }, (_, j) => 10000 ** (-j / last));
}

/** For the flavour that has sines and cosines in turns: which column of [sin | cos] is where. An odd last column stays. */
function turns(dim: number): Int32Array {
  const half = Math.floor(dim / 2);
  return Int32Array.from({ length: dim }, (_, i) => (i < 2 * half ? (i % 2) * half + Math.floor(i / 2) : i));
}

/**
 * Rows offset .. offset + length - 1 of the table, computed in double precision, row-major [length, dim]. An odd last column
 * is zero.
 */
export function sinusoidalTable(
  length: number,
  dim: number,
  { offset = 0, flavour = 'tensor2tensor' }: { offset?: number; flavour?: Sinusoids } = {},
): Float32Array {
  const table = angleTable(offset + length, frequencies(dim, flavour), dim).subarray(offset * dim);
  if (flavour !== 'vaswani') return table;
  const columns = turns(dim);
  return table.map((_, i) => table[i - (i % dim) + columns[i % dim]!]!);
}

/** Rows of the table for positions [n] (int32) known only at run time -> [n, dim]; exact to 2e-7 (see angleRows). */
export function sinusoidalRows(positions: tf.Tensor, dim: number, flavour: Sinusoids = 'tensor2tensor'): tf.Tensor {
  const rows = angleRows(positions, frequencies(dim, flavour), dim); // [n, dim]
  return flavour === 'vaswani' ? tf.gather(rows, tf.tensor1d(turns(dim), 'int32'), 1) : rows;
}

/** Encodings of positions 0 .. time-1, [time, dim]; undefined where the model adds none. Throws UserError past learned ones. */
export function leadingPositions(time: number, parameters: TensorMap, config: LmConfig): tf.Tensor | undefined {
  const { positions, maxPositions, dim, positionOffset: offset = 0, sinusoids: flavour } = config;
  if (positions === 'sinusoidal') return tf.tensor2d(sinusoidalTable(time, dim, { offset, flavour }), [time, dim]);
  if (positions !== 'learned') return undefined;
  if (time > maxPositions) {
    throw new UserError(`a sequence of ${time} tokens is longer than the model's ${maxPositions} learned positions`, {
      hint: `Use blocks of at most ${maxPositions} tokens, or a model with more maxPositions.`,
    });
  }
  const table = parameters['positions.weight']!;
  return time === table.shape[0] ? table : tf.slice(table, [offset, 0], [time, dim]);
}

/** Encodings of positions [n] (int32) known only at run time, [n, dim]; undefined where the model adds none. */
export function positionsAt(at: tf.Tensor, parameters: TensorMap, config: LmConfig): tf.Tensor | undefined {
  const { positions, maxPositions, dim, positionOffset: offset = 0, sinusoids } = config;
  const shifted = (x: tf.Tensor) => (offset === 0 ? x : tf.add(x, tf.scalar(offset, 'int32')));
  if (positions === 'sinusoidal') return sinusoidalRows(shifted(at), dim, sinusoids);
  if (positions !== 'learned') return undefined;
  const table = parameters['positions.weight']!;
  if (at.shape[0] === 1) return embedding(table, shifted(at));
  // Padding after the last learned position has no row of its own; what it reads does not matter.
  return embedding(table, shifted(tf.minimum(at, tf.scalar(maxPositions - 1, 'int32'))));
}
