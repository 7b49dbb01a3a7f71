/**
 * The exponential of numbers up to 0, from multiplications and additions alone. `Math.exp` may round differently in different
 * JavaScript engines, and takes several times as long; this one gives the same bits everywhere, at most 4 units in the last
 * place from the true value.
 */

/** exp(x) is 2^(whole / STEPS) exp(rest), with |rest| at most ln 2 / (2 STEPS). */
const STEPS = 64;
const PER_STEP = STEPS / Math.LN2;
/** ln 2 / STEPS in two parts; the first has 20 low bits of zeros, so that its product with `whole` is exact. */
const LN2_HIGH = 0.6931471803691238 / STEPS;
const LN2_LOW = 1.9082149292705877e-10 / STEPS;
/** Below it results are taken as 0. */
const LEAST = -700;

/** 2^(i / STEPS). Square roots are rounded correctly everywhere. */
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, i) => {
  let power = 1;
  let root = 2;
  for (let bit = STEPS / 2; bit >= 1; bit /= 2) {
    root = Math.sqrt(root);
    if ((i & bit) !== 0) power *= root;
  }
  return power;
});
/** 2^-i. */
const HALVES = Float64Array.from({ length: 1024 }, (_, i) => 2 ** -i);

/** exp(x) for x of at most 0; 0 below -700, NaN of NaN. */
export function exponential(x: number): number {
  if (x < LEAST) return 0;
  const whole = Math.floor(x * PER_STEP + 0.5);
  const rest = x - whole * LN2_HIGH - whole * LN2_LOW;
  const series = 1 + rest * (1 + rest * (1 / 2 + rest * (1 / 6 + rest * (1 / 24 + rest * (1 / 120)))));
  return series * FRACTIONS[whole & (STEPS - 1)]! * HALVES[-(whole >> 6)]!;
}
