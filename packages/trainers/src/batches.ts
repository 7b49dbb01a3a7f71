/** What a training run reads: batches of numbered arrays in one shape or in several. */
import type { HostArray, TensorSpec } from '@t2r/engine';

/** One batch, as a program is fed it. */
export interface TrainingBatch {
  /** By input name, row-major. */
  arrays: Record<string, HostArray>;
  /** Shapes of the arrays. Batches with equal ones share a compiled program. */
  specs: Record<string, TensorSpec>;
  /** Tokens that are learned from, those of padding left out. */
  tokens: number;
}

export interface BatchSource {
  /** Batch number `index` of the run (from 0), a pure function of it. */
  batch(index: number): TrainingBatch;
  /** True where all batches have one shape and as many tokens as each other: their mean then needs no weights. */
  readonly uniform: boolean;
  /** Batches in one pass over the data, where the data is taken in passes. */
  readonly batchesPerEpoch?: number;
}

/** A key of a batch's shapes. */
export const shapeKey = ({ specs }: Pick<TrainingBatch, 'specs'>): string =>
  Object.entries(specs)
    .map(([name, { shape, dtype }]) => `${name}:${dtype ?? 'float32'}[${shape}]`)
    .sort()
    .join(' ');
