/** Scores of resampled corpora. */
import type { MetricKernel, NumpyValue } from '../metric/kernel.js';
import type { Confidence } from '../metric/score.js';
import type { SegmentStatistics } from '../metric/statistics.js';
import { numpyMean } from '../numbers/means.js';
import { fillChoices } from '../random/draws.js';
import type { Pcg64 } from '../random/pcg64.js';

/** Scores in the order they were drawn, and whether numpy would hold them in single precision. */
export class ScoreList {
  readonly values: Float64Array;
  /** One double among them makes an array of doubles. */
  single = true;

  constructor(length: number) {
    this.values = new Float64Array(length);
  }

  set(index: number, { value, single }: NumpyValue): void {
    this.values[index] = value;
    this.single &&= single;
  }
}

/** One system under one metric, to be resampled. */
export interface Resampled {
  kernel: MetricKernel;
  statistics: SegmentStatistics;
}

/**
 * Draws `count` bootstrap resamples and scores all systems on each: the same segments for all of them. Statistics are
 * summed in single precision, as the original does.
 *
 * @param systems with the same number of segments
 */
export function scoreResamples(systems: readonly Resampled[], generator: Pcg64, count: number): ScoreList[] {
  const segments = systems[0]!.statistics.length;
  const chosen = new Uint32Array(segments);
  const lists = systems.map(() => new ScoreList(count));
  const tables = systems.map(({ statistics }) => Float32Array.from(statistics.values));
  const sums = systems.map(({ statistics }) => new Float32Array(statistics.width));
  for (let sample = 0; sample < count; sample++) {
    fillChoices(generator, segments, chosen);
    for (const [i, { kernel }] of systems.entries()) {
      sumRows(tables[i]!, chosen, sums[i]!);
      lists[i]!.set(sample, kernel.value(sums[i]!, 'float32'));
    }
  }
  return lists;
}

/** Adds the chosen rows in their order, rounding every sum to single precision. */
function sumRows(table: Float32Array, chosen: Uint32Array, sums: Float32Array): void {
  const width = sums.length;
  sums.fill(0);
  for (let i = 0; i < chosen.length; i++) {
    const start = chosen[i]! * width;
    for (let column = 0; column < width; column++) sums[column] = sums[column]! + table[start + column]!;
  }
}

/** The middle 95 % of some scores: their half width, from the 1/40 quantiles. */
export function intervalOf(sorted: Float64Array, single: boolean): number {
  const low = Math.floor(sorted.length / 40);
  const width = sorted[sorted.length - 1 - low]! - sorted[low]!;
  return 0.5 * (single ? Math.fround(width) : width);
}

/** Mean and half width of the interval, in numpy's arithmetic. */
export function estimateConfidence({ values, single }: ScoreList): Confidence {
  const sorted = values.slice().sort();
  return { mean: numpyMean(sorted, single), ci: intervalOf(sorted, single) };
}
