/** What sets one metric apart from another. `createMetric` makes a `Metric` of it. */
import type { Score } from './score.js';
import type { Signature, SignatureEntry } from './signature.js';

/**
 * What the original's numbers are when a score is computed from summed statistics, which decides how it rounds:
 * Python's own numbers; `numpy.float32` in bootstrap resamples; `numpy.int64` in approximate randomization.
 */
export type Arithmetic = 'python' | 'float32' | 'int64';

/** A value as numpy would hold it: single precision, or a double. */
export interface NumpyValue {
  value: number;
  single: boolean;
}

export interface MetricKernel<S extends Score = Score, Prepared = unknown> {
  /** Name for messages: BLEU, chrF, TER. */
  readonly name: string;
  /** Numbers of statistics per segment. */
  readonly width: number;
  /** Signature entries of its options. */
  readonly entries: readonly SignatureEntry[];
  /** What is kept of a reference line: its tokens, its characters. */
  prepare(reference: string): Prepared;
  /** Writes the statistics of a segment into `row`; there is at least one reference. */
  compare(hypothesis: string, references: readonly Prepared[], row: Float64Array): void;
  /** The score that summed statistics give. */
  score(sums: ArrayLike<number>, signature: Signature): S;
  /** Only its number, in one of the original's arithmetics. */
  value(sums: ArrayLike<number>, arithmetic: Arithmetic): NumpyValue;
}
