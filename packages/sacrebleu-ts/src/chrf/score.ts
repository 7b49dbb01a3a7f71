/** chrF from its statistics (Popović, _chrF: character n-gram F-score for automatic MT evaluation_, 2015, and _chrF++_, 2017). */
import type { Arithmetic, NumpyValue } from '../metric/kernel.js';
import { Score } from '../metric/score.js';
import type { Signature } from '../metric/signature.js';

export interface FScoreOptions {
  /** Weight of recall; 2 counts it twice as much as precision. */
  beta: number;
  /** Average F-scores over all orders with a tiny value for missing ones, instead of precision and recall over present ones. */
  epsSmoothing: boolean;
}

const EPSILON = 1e-16;

/** (1 + factor) P R / (factor P + R), the parts of the fraction rounded step by step. */
function weigh(precision: number, recall: number, factor: number, round: (value: number) => number): number[] {
  const above = round(round(round(1 + factor) * precision) * recall);
  return [above, round(round(round(factor) * precision) + recall)];
}

/** Sum of F-scores over the orders of n-grams, with a tiny value for what is missing. */
function smoothedSum(statistics: ArrayLike<number>, factor: number, round: (value: number) => number): NumpyValue {
  let sum = 0;
  let single = false;
  for (let i = 0; i < statistics.length; i += 3) {
    const [inHypothesis, inReference, inBoth] = [statistics[i]!, statistics[i + 1]!, statistics[i + 2]!];
    // Python's own numbers where both are missing; numpy's as soon as one of them is.
    const numpy = inHypothesis > 0 || inReference > 0;
    const step = numpy ? round : (value: number) => value;
    const precision = inHypothesis > 0 ? step(inBoth / inHypothesis) : EPSILON;
    const recall = inReference > 0 ? step(inBoth / inReference) : step(EPSILON);
    const [above, below] = weigh(precision, recall, factor, step);
    const term = below! > 0 ? step(above! / below!) : EPSILON;
    single ||= numpy && below! > 0;
    sum = single ? round(round(sum) + round(term)) : sum + term;
  }
  return { value: sum, single };
}

/**
 * F-score in percent.
 *
 * @param statistics n-grams of hypothesis, of reference, and in both, for every order: [3 * orders]
 * @returns also whether numpy would hold it in single precision, which Python's own 0 makes it not
 */
export function fScore(
  statistics: ArrayLike<number>,
  { beta, epsSmoothing }: FScoreOptions,
  arithmetic: Arithmetic = 'python',
): NumpyValue {
  const round = arithmetic === 'float32' ? Math.fround : (value: number) => value;
  const orders = statistics.length / 3;
  const factor = beta ** 2;
  if (epsSmoothing) {
    const { value, single } = smoothedSum(statistics, factor, round);
    const last = single ? round : (sum: number) => sum;
    return { value: last(last(100 * value) / orders), single: single && arithmetic === 'float32' };
  }
  let precisions = 0;
  let recalls = 0;
  let present = 0;
  for (let i = 0; i < statistics.length; i += 3) {
    const [inHypothesis, inReference, inBoth] = [statistics[i]!, statistics[i + 1]!, statistics[i + 2]!];
    if (!(inHypothesis > 0 && inReference > 0)) continue;
    precisions = round(precisions + round(inBoth / inHypothesis));
    recalls = round(recalls + round(inBoth / inReference));
    present++;
  }
  const precision = present === 0 ? 0 : round(precisions / present);
  const recall = present === 0 ? 0 : round(recalls / present);
  if (round(precision + recall) === 0) return { value: 0, single: false };
  const [above, below] = weigh(precision, recall, factor, round);
  return { value: round(100 * round(above! / below!)), single: arithmetic === 'float32' };
}

/** A chrF score; with word n-grams its name is chrF2+ or chrF2++. */
export class ChrfScore extends Score {
  constructor(
    score: number,
    readonly charOrder: number,
    readonly wordOrder: number,
    readonly beta: number,
    signature: Signature,
  ) {
    super(`chrF${beta}${'+'.repeat(wordOrder)}`, score, signature);
  }
}
