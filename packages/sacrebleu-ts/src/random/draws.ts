/** Draws from a generator as numpy's `Generator` makes them, in the order of its arrays. */
import { SacrebleuError } from '../errors.js';
import { Pcg64 } from './pcg64.js';

/** A seed, or null for one from the system's entropy. */
export type Seed = number | bigint | null;

/** The seed that resampling has unless another is given, as in the original. */
export const DEFAULT_SEED = 12345;

/** `numpy.random.default_rng(seed)`. */
export function createGenerator(seed: Seed): Pcg64 {
  if (seed === null) {
    const drawn = crypto.getRandomValues(new Uint32Array(4));
    return new Pcg64(drawn.reduce((sum, word) => (sum << 32n) | BigInt(word), 0n));
  }
  if (typeof seed === 'number' && !Number.isSafeInteger(seed))
    throw new SacrebleuError(`The seed must be a whole number, not ${seed}.`);
  if (seed < 0) throw new SacrebleuError(`The seed must be at least 0, not ${seed}.`);
  return new Pcg64(BigInt(seed));
}

/**
 * Fills `target` with whole numbers below `bound`: one row of `rng.choice(bound, size)`. Lemire's method (_Fast Random
 * Integer Generation in an Interval_, 2019) on 32 bits.
 *
 * @param bound at least 1, at most 2^32 - 1
 */
export function fillChoices(generator: Pcg64, bound: number, target: Uint32Array): void {
  if (bound === 1) {
    target.fill(0); // numpy draws nothing
    return;
  }
  const threshold = 2 ** 32 % bound;
  for (let i = 0; i < target.length; i++) {
    let high: number;
    let low: number;
    do {
      const drawn = generator.next32();
      // 32 x 32 bits, by halves of `drawn` so that every sum is exact.
      const lower = (drawn & 0xffff) * bound;
      const carry = Math.floor(lower / 0x10000);
      const upper = (drawn >>> 16) * bound + carry;
      high = Math.floor(upper / 0x10000);
      low = (upper - high * 0x10000) * 0x10000 + (lower - carry * 0x10000);
    } while (low < threshold);
    target[i] = high;
  }
}

/** Coin tosses, those of `rng.integers(2, size, dtype=bool)`: the bits of 32-bit draws, the lowest first. */
export function createCoins(generator: Pcg64): () => number {
  let buffer = 0;
  let left = 0;
  return () => {
    if (left === 0) {
      buffer = generator.next32();
      left = 32;
    } else buffer >>>= 1;
    left--;
    return buffer & 1;
  };
}
