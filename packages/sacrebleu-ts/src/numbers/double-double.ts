/**
 * Numbers as unevaluated sums of two doubles, about 106 bits: enough to round exponentials and logarithms correctly.
 * Error-free sums and products are those of Dekker (1971) and Knuth.
 */

/** `hi + lo` with |lo| at most half a unit in the last place of `hi`. */
export type DoubleDouble = readonly [hi: number, lo: number];

/** a + b exactly. */
function twoSum(a: number, b: number): DoubleDouble {
  const sum = a + b;
  const virtual = sum - a;
  return [sum, a - (sum - virtual) + (b - virtual)];
}

/** a + b exactly, where |a| >= |b|. */
function quickTwoSum(a: number, b: number): DoubleDouble {
  const sum = a + b;
  return [sum, b - (sum - a)];
}

const SPLITTER = 2 ** 27 + 1;

/** a * b exactly, unless it overflows. */
function twoProduct(a: number, b: number): DoubleDouble {
  const product = a * b;
  const scaledA = SPLITTER * a;
  const highA = scaledA - (scaledA - a);
  const lowA = a - highA;
  const scaledB = SPLITTER * b;
  const highB = scaledB - (scaledB - b);
  const lowB = b - highB;
  return [product, highA * highB - product + highA * lowB + lowA * highB + lowA * lowB];
}

export function add(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const [high, error] = twoSum(a[0], b[0]);
  return quickTwoSum(high, error + a[1] + b[1]);
}

export function multiply(a: DoubleDouble, b: DoubleDouble): DoubleDouble {
  const [high, error] = twoProduct(a[0], b[0]);
  return quickTwoSum(high, error + (a[0] * b[1] + a[1] * b[0]));
}

/** a * b for a double b. */
export function scale(a: DoubleDouble, b: number): DoubleDouble {
  const [high, error] = twoProduct(a[0], b);
  return quickTwoSum(high, error + a[1] * b);
}

/** a / b for a double b. */
export function divide(a: DoubleDouble, b: number): DoubleDouble {
  const quotient = a[0] / b;
  const [product, error] = twoProduct(quotient, b);
  return quickTwoSum(quotient, (a[0] - product - error + a[1]) / b);
}
