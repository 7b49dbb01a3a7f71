/**
 * Random projections of feature maps: a pool of matrices drawn once from a seed, as RFA does (Peng et al. 2021). Training
 * takes other ones at every step, a head and layer each its own; evaluation always takes the first ones.
 */
import { createRandom } from '@t2r/core';
import type { DropoutSource } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AttentionShape } from './contract.js';

export interface ProjectionOptions {
  /** Take other matrices at every training step. */
  redraw: boolean;
  /** Matrices in the pool. */
  pool: number;
  seed: number;
}

/** Options that the components with random projections have in common. */
export const redrawOption = z
  .boolean()
  .default(true)
  .describe('Take other random projections from the pool at every training step; evaluation always takes the same.');
export const poolOption = (size: number) =>
  z.int().min(1).default(size).describe('Random projections that training chooses from.');
export const seedOption = z.int().min(0).default(0).describe('Seed of the random projections.');

/** One projection matrix a head, [heads, rows, headDim]. */
export interface Projections {
  /** For one pass: drawn anew where `random` is given, those of evaluation where it is not. */
  draw(shape: AttentionShape, random?: DropoutSource): tf.Tensor;
  /** Those of evaluation on the host, row-major. */
  fixed(shape: AttentionShape): Float32Array;
}

/** Row-major [rows, headDim], a pure function of the seed and the matrix's number in the pool. */
type DrawMatrix = (rows: number, headDim: number, ...labels: (number | string)[]) => Float32Array;

/** Independent N(0, 1). */
export const gaussianMatrix: DrawMatrix = (rows, headDim, ...labels) => {
  const random = createRandom('random projection', ...labels);
  return Float32Array.from({ length: rows * headDim }, () => random.normal());
};

/**
 * Rows of Gaussian length whose directions are orthogonal in every block of headDim rows (Choromanski et al. 2021, section
 * 2.4, by Gram-Schmidt), which lowers the variance of the estimate. Each row alone is distributed as N(0, 1)^headDim.
 */
export const orthogonalMatrix: DrawMatrix = (rows, headDim, ...labels) => {
  const matrix = gaussianMatrix(rows, headDim, ...labels, 'directions');
  const lengths = gaussianMatrix(rows, headDim, ...labels, 'lengths');
  for (let i = 0; i < rows; i++) {
    // Twice, because once loses digits where a draw lies close to the rows before it.
    for (let pass = 0; pass < 2; pass++) {
      for (let j = i - (i % headDim); j < i; j++) addRow(matrix, i, j, -dotRows(matrix, i, j, headDim), headDim);
    }
    scaleRow(matrix, i, dotRows(matrix, i, i, headDim) ** -0.5, headDim);
  }
  for (let i = 0; i < rows; i++) scaleRow(matrix, i, Math.sqrt(dotRows(lengths, i, i, headDim)), headDim);
  return matrix;
};

/** Inner product of rows i and j; in loops, because a pool has thousands of rows. */
function dotRows(a: Float32Array, i: number, j: number, width: number): number {
  let sum = 0;
  for (let at = 0; at < width; at++) sum += a[i * width + at]! * a[j * width + at]!;
  return sum;
}

/** Adds `factor` times row j to row i. */
function addRow(a: Float32Array, i: number, j: number, factor: number, width: number): void {
  for (let at = 0; at < width; at++) a[i * width + at]! += factor * a[j * width + at]!;
}

function scaleRow(a: Float32Array, i: number, factor: number, width: number): void {
  for (let at = 0; at < width; at++) a[i * width + at]! *= factor;
}

/** Projections from a pool of matrices of `rows` rows. */
export function projectionPool(
  rows: number,
  { redraw, pool, seed }: ProjectionOptions,
  drawMatrix: DrawMatrix,
): Projections {
  const drawn = new Map<string, Float32Array>();
  /** The first `count` matrices of the pool, row-major [count, rows, headDim]. */
  const first = (count: number, headDim: number) => {
    const key = `${count} ${headDim}`;
    let values = drawn.get(key);
    if (values === undefined) {
      values = new Float32Array(count * rows * headDim);
      for (let i = 0; i < count; i++) values.set(drawMatrix(rows, headDim, seed, i), i * rows * headDim);
      drawn.set(key, values);
    }
    return values;
  };
  const toTensor = (count: number, headDim: number) => tf.tensor3d(first(count, headDim), [count, rows, headDim]);
  return {
    fixed: ({ heads, headDim }) => first(heads, headDim),
    draw: ({ heads, headDim }, random) =>
      redraw && random ? tf.gather(toTensor(pool, headDim), random.integers(heads, pool)) : toTensor(heads, headDim),
  };
}
