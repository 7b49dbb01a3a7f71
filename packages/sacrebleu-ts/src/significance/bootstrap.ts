/** Confidence intervals by bootstrap resampling (Koehn, _Statistical Significance Tests for Machine Translation Evaluation_, 2004). */
import type { MetricKernel } from '../metric/kernel.js';
import type { Confidence } from '../metric/score.js';
import type { SegmentStatistics } from '../metric/statistics.js';
import { exactMean } from '../numbers/means.js';
import { createGenerator, DEFAULT_SEED, type Seed } from '../random/draws.js';
import { intervalOf, scoreResamples } from './resamples.js';

/** How a seed stands in a signature. */
export const seedText = (seed: Seed = DEFAULT_SEED) => (seed === null ? 'none' : String(seed));

/**
 * Mean and 95 % interval of the scores of `count` resamples of the segments.
 *
 * @returns also the seed as it stands in signatures
 */
export function bootstrapConfidence(
  kernel: MetricKernel,
  statistics: SegmentStatistics,
  count: number,
  seed: Seed = DEFAULT_SEED,
): { confidence: Confidence; seed: string } {
  const [scores] = scoreResamples([{ kernel, statistics }], createGenerator(seed), count);
  const { values, single } = scores!;
  const sorted = values.slice().sort();
  const mean = exactMean(sorted);
  return {
    confidence: { mean: single ? Math.fround(mean) : mean, ci: intervalOf(sorted, single) },
    seed: seedText(seed),
  };
}
