/** Approximate randomization (Riezler and Maxwell, _On Some Pitfalls in Automatic Evaluation and Significance Testing for MT_, 2005). */
import type { MetricKernel } from '../metric/kernel.js';
import type { SegmentStatistics } from '../metric/statistics.js';
import { createCoins } from '../random/draws.js';
import type { Pcg64 } from '../random/pcg64.js';

/** A system and the baseline under one metric, with the same segments. */
export interface RandomizedPair {
  kernel: MetricKernel;
  baseline: SegmentStatistics;
  system: SegmentStatistics;
}

/** Sums of the two pseudo-systems that result from swapping the outputs of some segments. */
type Shuffle = (chosen: Uint32Array, count: number) => { a: Float64Array; b: Float64Array };

/** For whole numbers, where the order of additions makes no difference: only the chosen segments are added. */
function shuffleWhole({ baseline, system }: RandomizedPair): Shuffle {
  const { width } = system;
  const base = system.sums();
  const both = baseline.sums().map((sum, column) => sum + base[column]!);
  const differences = baseline.values.map((value, i) => value - system.values[i]!);
  const a = new Float64Array(width);
  const b = new Float64Array(width);
  return (chosen, count) => {
    a.set(base);
    for (let i = 0; i < count; i++) {
      const start = chosen[i]! * width;
      for (let column = 0; column < width; column++) a[column] = a[column]! + differences[start + column]!;
    }
    for (let column = 0; column < width; column++) b[column] = both[column]! - a[column]!;
    return { a, b };
  };
}

/** For fractions (average lengths of three references): four sums in the order of the segments, added in pairs. */
function shuffleFractions({ baseline, system }: RandomizedPair): Shuffle {
  const { width } = system;
  const [chosenBase, otherBase, chosenSystem, otherSystem] = [0, 1, 2, 3].map(() => new Float64Array(width));
  const addRow = (sums: Float64Array, { values }: SegmentStatistics, segment: number) => {
    for (let column = 0; column < width; column++) sums[column] = sums[column]! + values[segment * width + column]!;
  };
  return (chosen, count) => {
    for (const sums of [chosenBase!, otherBase!, chosenSystem!, otherSystem!]) sums.fill(0);
    let next = 0;
    for (let segment = 0; segment < system.length; segment++) {
      const isChosen = next < count && chosen[next] === segment;
      if (isChosen) next++;
      addRow(isChosen ? chosenBase! : otherBase!, baseline, segment);
      addRow(isChosen ? chosenSystem! : otherSystem!, system, segment);
    }
    return {
      a: chosenBase!.map((sum, column) => sum + otherSystem![column]!),
      b: otherBase!.map((sum, column) => sum + chosenSystem![column]!),
    };
  };
}

/**
 * Absolute score differences of pseudo-systems: in each trial the outputs of every segment are swapped or not, by the
 * toss of a coin, the same for all pairs.
 *
 * @returns for every pair the differences in the order of the trials
 */
export function randomizedDifferences(
  pairs: readonly RandomizedPair[],
  generator: Pcg64,
  trials: number,
): Float64Array[] {
  const segments = pairs[0]!.system.length;
  const toss = createCoins(generator);
  const chosen = new Uint32Array(segments);
  const whole = ({ baseline, system }: RandomizedPair) =>
    baseline.values.every(Number.isInteger) && system.values.every(Number.isInteger);
  const shuffles = pairs.map((pair) => (whole(pair) ? shuffleWhole(pair) : shuffleFractions(pair)));
  const differences = pairs.map(() => new Float64Array(trials));
  for (let trial = 0; trial < trials; trial++) {
    let count = 0;
    for (let segment = 0; segment < segments; segment++) {
      if (toss() === 1) chosen[count++] = segment;
    }
    for (const [i, { kernel }] of pairs.entries()) {
      const { a, b } = shuffles[i]!(chosen, count);
      differences[i]![trial] = Math.abs(kernel.value(a, 'int64').value - kernel.value(b, 'int64').value);
    }
  }
  return differences;
}
