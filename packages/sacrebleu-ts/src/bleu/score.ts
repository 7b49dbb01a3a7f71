/** BLEU from its sufficient statistics (Papineni et al., _BLEU: a Method for Automatic Evaluation of Machine Translation_, 2002). */
import type { Arithmetic } from '../metric/kernel.js';
import { Score } from '../metric/score.js';
import type { Signature } from '../metric/signature.js';
import { exp, log } from '../numbers/exact-math.js';
import { formatFixed } from '../text/python-number.js';
import type { Smoothing } from './smoothing.js';

/** Sums over a corpus; arrays hold one number per order of n-grams. */
export interface BleuStatistics {
  /** N-grams of the hypotheses that their references have, each counted at most as often as there. */
  correct: readonly number[];
  /** N-grams of the hypotheses. */
  total: readonly number[];
  /** Tokens of the hypotheses. */
  sysLen: number;
  /** Tokens of the references closest in length. */
  refLen: number;
}

export interface ComputeBleuOptions {
  smoothing: Smoothing;
  /** Only orders up to the longest n-gram that the hypotheses have. */
  effectiveOrder: boolean;
}

export interface BleuResult {
  score: number;
  /** Matches and totals after `add-k` smoothing. */
  counts: number[];
  totals: number[];
  /** In percent, after smoothing. */
  precisions: number[];
  /** Brevity penalty. */
  bp: number;
}

/** What the original takes for the logarithm of 0. */
const LOG_OF_ZERO = -9999999999;

/** How each of the original's arithmetics rounds results, and what it stores in an array of counts. */
const ROUNDING: Record<Arithmetic, { round: (value: number) => number; store: (value: number) => number }> = {
  python: { round: (value) => value, store: (value) => value },
  float32: { round: Math.fround, store: Math.fround },
  int64: { round: (value) => value, store: Math.trunc },
};

/** exp(mean of log precisions) times the brevity penalty, with smoothing. */
export function computeBleu(
  { correct, total, sysLen, refLen }: BleuStatistics,
  { smoothing, effectiveOrder }: ComputeBleuOptions,
  arithmetic: Arithmetic = 'python',
): BleuResult {
  const { round, store } = ROUNDING[arithmetic];
  const order = correct.length;
  const counts = [...correct];
  const totals = [...total];
  const precisions = new Array<number>(order).fill(0);
  const bp = sysLen >= refLen ? 1 : sysLen > 0 ? exp(1 - refLen / sysLen) : 0;
  if (!counts.some((count) => count !== 0)) return { score: 0, counts, totals, precisions, bp };

  let doubling = 1;
  let used = order;
  for (let i = 0; i < order; i++) {
    if (smoothing.method === 'add-k' && i > 0) {
      counts[i] = store(counts[i]! + round(smoothing.value));
      totals[i] = store(totals[i]! + round(smoothing.value));
    }
    const all = totals[i]!;
    if (all === 0) break;
    if (effectiveOrder) used = i + 1;
    if (counts[i] !== 0) precisions[i] = round(round(100 * counts[i]!) / all);
    else if (smoothing.method === 'exp') {
      doubling *= 2;
      precisions[i] = round(100 / round(doubling * all));
    } else if (smoothing.method === 'floor') precisions[i] = round(round(100 * smoothing.value) / all);
  }
  let logs = 0;
  for (let i = 0; i < used; i++) logs += precisions[i] === 0 ? LOG_OF_ZERO : log(precisions[i]!);
  return { score: bp * exp(logs / used), counts, totals, precisions, bp };
}

/** A BLEU score with everything it is made of. */
export class BleuScore extends Score {
  readonly counts: readonly number[];
  readonly totals: readonly number[];
  /** In percent, one per order of n-grams. */
  readonly precisions: readonly number[];
  /** Brevity penalty. */
  readonly bp: number;
  readonly sysLen: number;
  readonly refLen: number;
  /** sysLen / refLen; 0 where there is nothing in the references. */
  readonly ratio: number;

  constructor(result: BleuResult, lengths: { sysLen: number; refLen: number }, signature: Signature) {
    const { sysLen, refLen } = lengths;
    const ratio = refLen === 0 ? 0 : sysLen / refLen;
    const precisions = result.precisions.map((precision) => formatFixed(precision, 1)).join('/');
    const penalty = `BP = ${formatFixed(result.bp, 3)} ratio = ${formatFixed(ratio, 3)}`;
    super('BLEU', result.score, signature, `${precisions} (${penalty} hyp_len = ${sysLen} ref_len = ${refLen})`);
    this.counts = result.counts;
    this.totals = result.totals;
    this.precisions = result.precisions;
    this.bp = result.bp;
    this.sysLen = sysLen;
    this.refLen = refLen;
    this.ratio = ratio;
  }
}
