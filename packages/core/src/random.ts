/**
 * Seeded random numbers. Everything random in a run is a pure function of a seed and some labels, so that a resumed run
 * and an uninterrupted one draw the same numbers. The generator is xoshiro128** seeded through splitmix32.
 */

/** A deterministic stream of random numbers. */
export interface Random {
  /** Uniform in [0, 1), 24 bits of it. */
  uniform(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal (Box-Muller). */
  normal(): number;
  /** A permutation of 0 .. n-1 (Fisher-Yates). */
  permutation(n: number): Uint32Array;
}

/** Mixes labels (numbers, strings) into a 32-bit seed. Different labels give independent seeds. */
export function deriveSeed(...labels: readonly (number | string)[]): number {
  let hash = 0x811c9dc5;
  const mix = (word: number) => {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
    hash ^= hash >>> 13;
  };
  for (const label of labels) {
    // The tag keeps deriveSeed(1) apart from deriveSeed('1').
    mix(typeof label === 'number' ? 1 : 2);
    if (typeof label === 'number') {
      const bits = new Uint32Array(new Float64Array([label]).buffer);
      mix(bits[0]!);
      mix(bits[1]!);
    } else {
      for (let i = 0; i < label.length; i++) mix(label.charCodeAt(i));
      mix(label.length);
    }
  }
  return hash >>> 0;
}

/** A stream of random numbers that depends only on the labels. */
export function createRandom(...labels: readonly (number | string)[]): Random {
  let seed = deriveSeed(...labels);
  const splitmix = () => {
    seed = (seed + 0x9e3779b9) | 0;
    let z = seed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix() | 1;
  const rotl = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const next = () => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotl(d, 11);
    return result;
  };
  const uniform = () => (next() >>> 8) / 0x1000000;
  const integer = (bound: number) => {
    // Rejection keeps every value equally likely.
    const limit = 0x100000000 - (0x100000000 % bound);
    let value = next();
    while (value >= limit) value = next();
    return value % bound;
  };
  let spare: number | undefined;
  const normal = () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const permutation = (n: number) => {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = integer(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  };
  return { uniform, integer, normal, permutation };
}
