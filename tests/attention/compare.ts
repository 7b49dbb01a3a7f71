/** How far two arrays are apart, by the two measures that the tests state tolerances in. */

type Numbers = ArrayLike<number>;

/** A norm below this is what float64 rounding leaves of an exact zero, e.g. a gradient through one weight that is always 1. */
const ZERO = 1e-10;

/** Norm of the difference over norm of the reference; the norm of the difference itself where the reference is zero. */
export function relativeNorm(actual: Numbers, reference: Numbers): number {
  if (actual.length !== reference.length) throw new Error(`${actual.length} numbers against ${reference.length}`);
  let difference = 0;
  let norm = 0;
  for (let i = 0; i < reference.length; i++) {
    difference += (actual[i]! - reference[i]!) ** 2;
    norm += reference[i]! ** 2;
  }
  return Math.sqrt(difference) / (norm < ZERO ** 2 ? 1 : Math.sqrt(norm));
}

/** Largest difference over the largest magnitude of the reference. */
export function relativeMaximum(actual: Numbers, reference: Numbers): number {
  if (actual.length !== reference.length) throw new Error(`${actual.length} numbers against ${reference.length}`);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < reference.length; i++) {
    // Written so that a NaN anywhere makes the result NaN and every comparison with it fail.
    if (!(Math.abs(actual[i]! - reference[i]!) <= difference)) difference = Math.abs(actual[i]! - reference[i]!);
    largest = Math.max(largest, Math.abs(reference[i]!));
  }
  return difference / largest;
}
