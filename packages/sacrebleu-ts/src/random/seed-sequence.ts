/**
 * Seeds of numpy's generators: `SeedSequence` spreads a whole number over as many words as a generator needs
 * (O'Neill, _Developing a seed_seq alternative_, 2015, as documented by numpy, NEP 19).
 */

const POOL = 4;
const INIT_A = 0x43b0d7e5;
const MULTIPLIER_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULTIPLIER_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;

/** 32-bit words of a whole number, the lowest first; at least one. */
function words(value: bigint): number[] {
  const result: number[] = [];
  for (let rest = value; rest > 0n; rest >>= 32n) result.push(Number(rest & 0xffffffffn));
  return result.length > 0 ? result : [0];
}

/** A hash whose constant changes with every call. */
function createHash(initial: number, multiplier: number): (value: number) => number {
  let constant = initial;
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mix(x: number, y: number): number {
  const difference = Math.imul(MIX_LEFT, x) - Math.imul(MIX_RIGHT, y);
  return (difference ^ ((difference >>> 0) >>> 16)) >>> 0;
}

/**
 * `SeedSequence(seed).generate_state(count)`, 32-bit words.
 *
 * @param seed a whole number, at least 0
 */
export function seedWords(seed: bigint, count: number): Uint32Array {
  const entropy = words(seed);
  const hash = createHash(INIT_A, MULTIPLIER_A);
  const pool = Array.from({ length: POOL }, (_, i) => hash(entropy[i] ?? 0));
  for (let source = 0; source < POOL; source++) {
    for (let target = 0; target < POOL; target++) {
      if (source !== target) pool[target] = mix(pool[target]!, hash(pool[source]!));
    }
  }
  for (const word of entropy.slice(POOL)) {
    for (let target = 0; target < POOL; target++) pool[target] = mix(pool[target]!, hash(word));
  }
  const output = createHash(INIT_B, MULTIPLIER_B);
  return Uint32Array.from({ length: count }, (_, i) => output(pool[i % POOL]!));
}
