/** Smoothing of n-gram precisions without a match (Chen and Cherry, _A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU_, 2014). */
import { SacrebleuError } from '../errors.js';
import { formatFixed } from '../text/python-number.js';

/**
 * `none`; `floor`: a count of 0 becomes the value (their method 1); `add-k`: the value is added to counts and totals of
 * n > 1 (method 2); `exp`: the i-th precision of 0 becomes 1 / (2^i total) (method 3, NIST).
 */
export type SmoothMethod = 'none' | 'floor' | 'add-k' | 'exp';

/** Values where none is given; null where the method takes none. */
export const SMOOTH_DEFAULTS: Readonly<Record<SmoothMethod, number | null>> = {
  none: null,
  floor: 0.1,
  'add-k': 1,
  exp: null,
};

export interface Smoothing {
  method: SmoothMethod;
  /** For `floor` and `add-k`. */
  value: number;
}

/** Checks the options and fills in the default value. */
export function smoothingOf(method: SmoothMethod, value: number | null | undefined): Smoothing {
  if (!Object.hasOwn(SMOOTH_DEFAULTS, method)) {
    const known = Object.keys(SMOOTH_DEFAULTS).join(', ');
    throw new SacrebleuError(`There is no smoothing method '${method}'.`, `It is one of ${known}.`);
  }
  const chosen = value ?? SMOOTH_DEFAULTS[method] ?? 0;
  if (!(Number.isFinite(chosen) && chosen >= 0))
    throw new SacrebleuError(`The smoothing value must be a number of at least 0, not ${value}.`);
  return { method, value: chosen };
}

/** As signatures have it: `exp`, `floor[0.10]`. */
export function smoothingText({ method, value }: Smoothing): string {
  return SMOOTH_DEFAULTS[method] === null ? method : `${method}[${formatFixed(value, 2)}]`;
}
