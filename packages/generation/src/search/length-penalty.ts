/** What a hypothesis' sum of log-probabilities is divided by, so that short and long ones compare. */

export type LengthFormula = 'power' | 'gnmt';

export interface LengthPenalty {
  /** The score of a hypothesis of `length` tokens, its end token included. */
  score(logProb: number, length: number): number;
  /** The best score that a hypothesis with this sum can still get at any length from `least` to `most`. */
  bound(logProb: number, least: number, most: number): number;
}

/** sum / length^a, or sum / ((5 + length) / 6)^a (Wu et al. 2016, arXiv 1609.08144, Eq. 14). */
export function lengthPenalty(formula: LengthFormula, exponent: number): LengthPenalty {
  const score = (logProb: number, length: number) =>
    logProb / (formula === 'power' ? length : (5 + length) / 6) ** exponent;
  return {
    score,
    // Sums only fall, and the divisor rises or falls with the length all along.
    bound: (logProb, least, most) => score(logProb, exponent > 0 ? most : least),
  };
}
