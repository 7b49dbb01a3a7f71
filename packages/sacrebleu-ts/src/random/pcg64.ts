/**
 * PCG64 (O'Neill, _PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
 * Generation_, 2014; the XSL RR 128/64 member), the generator behind `numpy.random.default_rng`.
 */
import { seedWords } from './seed-sequence.js';

/** Multiplier of the 128-bit congruential step, 16 bits a limb, the lowest first: 0x2360ed051fc65da44385df649fccf645. */
const MULTIPLIER = Float64Array.of(0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360);
const LIMBS = 8;

/** A stream of 32-bit numbers, those of numpy's `PCG64` with the same seed. */
export class Pcg64 {
  // 128-bit numbers as limbs of 16 bits, the lowest first: products of limbs and their sums stay exact in a double.
  #state = new Float64Array(LIMBS);
  #next = new Float64Array(LIMBS);
  readonly #increment = new Float64Array(LIMBS);
  #spare = -1;

  /** @param seed a whole number, at least 0 */
  constructor(seed: bigint) {
    const words = seedWords(seed, 8);
    // Words come as four 64-bit numbers: state high and low, sequence high and low.
    const state = [words[2]!, words[3]!, words[0]!, words[1]!];
    const sequence = [words[6]!, words[7]!, words[4]!, words[5]!];
    for (let i = 0; i < LIMBS; i++) {
      const word = sequence[i >> 1]!;
      const limb = i % 2 === 0 ? word & 0xffff : word >>> 16;
      this.#increment[i] = (this.#increment[i]! + ((limb << 1) & 0xffff)) | (i === 0 ? 1 : 0);
      if (i + 1 < LIMBS) this.#increment[i + 1] = limb >>> 15;
    }
    this.#step();
    let carry = 0;
    for (let i = 0; i < LIMBS; i++) {
      const word = state[i >> 1]!;
      const sum = this.#state[i]! + (i % 2 === 0 ? word & 0xffff : word >>> 16) + carry;
      this.#state[i] = sum & 0xffff;
      carry = sum >>> 16;
    }
    this.#step();
  }

  /** state = state * multiplier + increment (mod 2^128) */
  #step(): void {
    const state = this.#state;
    const next = this.#next;
    let carry = 0;
    for (let i = 0; i < LIMBS; i++) {
      let sum = this.#increment[i]! + carry;
      for (let j = 0; j <= i; j++) sum += state[j]! * MULTIPLIER[i - j]!;
      carry = Math.floor(sum / 0x10000);
      next[i] = sum - carry * 0x10000;
    }
    this.#state = next;
    this.#next = state;
  }

  /** The next 32 bits, 0 to 2^32 - 1: the low half of a 64-bit output, then its high half. */
  next32(): number {
    if (this.#spare >= 0) {
      const spare = this.#spare;
      this.#spare = -1;
      return spare;
    }
    this.#step();
    const state = this.#state;
    const low = ((state[0]! ^ state[4]!) | ((state[1]! ^ state[5]!) << 16)) >>> 0;
    const high = ((state[2]! ^ state[6]!) | ((state[3]! ^ state[7]!) << 16)) >>> 0;
    const turn = state[7]! >>> 10; // the top six bits of the state
    const first = turn < 32 ? low : high;
    const second = turn < 32 ? high : low;
    const bits = turn & 31;
    this.#spare = bits === 0 ? second : ((second >>> bits) | (first << (32 - bits))) >>> 0;
    return bits === 0 ? first : ((first >>> bits) | (second << (32 - bits))) >>> 0;
  }
}
