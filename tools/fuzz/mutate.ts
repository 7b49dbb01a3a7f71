/** Seeded damage to files: of bytes anywhere, and of values inside JSON. */
import { createRandom, type Random } from '@t2r/core';

/** A damaged copy; the same seed gives the same damage. `others` lend stretches of their own. */
export function mutateBytes(bytes: Uint8Array, random: Random, others: readonly Uint8Array[]): Uint8Array {
  let out = Buffer.from(bytes);
  const rounds = 1 + random.integer(4);
  for (let round = 0; round < rounds; round++) {
    const at = random.integer(out.length + 1);
    const length = 1 + random.integer(random.integer(4) === 0 ? 2000 : 8);
    switch (random.integer(12)) {
      case 1:
        for (let i = at; i < Math.min(at + length, out.length); i++) out[i] = random.integer(256);
        break;
      case 2:
        out = out.subarray(0, at);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 4: {
        const other = others[random.integer(others.length)]!;
        const from = random.integer(other.length + 1);
        out = Buffer.concat([out.subarray(0, at), other.subarray(from, from + length), out.subarray(at)]);
        break;
      }
      case 5:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + length), out.subarray(at)]);
        break;
      default:
        for (let i = at; i < Math.min(at + length, out.length); i++)
          out[i] = EXTREMES[random.integer(EXTREMES.length)]!;
    }
    if (out.length === 0) break;
  }
  return out;
}

const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x12];

/** A copy of a JSON text in which some values have become others. */
export function mutateJson(text: string, random: Random): string {
  const root = JSON.parse(text) as unknown;
  const rounds = 1 + random.integer(3);
  for (let round = 0; round < rounds; round++) {
    let at: unknown = root;
    // Down a random path; the deeper, the likelier the stop.
    for (let depth = 0; typeof at === 'object' && at !== null; depth++) {
      const keys = Object.keys(at);
      if (keys.length === 0) break;
      const key = keys[random.integer(keys.length)]!;
      const record = at as Record<string, unknown>;
      const next = record[key];
      const isLeaf = typeof next !== 'object' || next === null;
      if (!isLeaf && random.integer(5) > depth) {
        at = next;
        continue;
      }
      const choice = random.integer(8);
      if (choice === 0 && !Array.isArray(at)) delete record[key];
      else if (choice === 1) record[keys[random.integer(keys.length)]!] = next;
      else record[key] = VALUES[random.integer(VALUES.length)]!(random, next);
      break;
    }
  }
  return JSON.stringify(root);
}

const VALUES: readonly ((random: Random, old: unknown) => unknown)[] = [
  () => null,
  () => true,
  () => -1,
  () => 4_294_967_296,
  () => 1e308,
  () => 0.5,
  (random) => random.integer(3_000_000),
  () => '',
  () => '((a+)+)+$',
  () => '\ud800',
  () => '<unk>',
  () => [],
  () => ({}),
  (_, old) => [old, old],
  (_, old) => ({ type: 'Sequence', pretokenizers: [old], normalizers: [old], decoders: [old] }),
  () => 'x'.repeat(5000),
];

/** A generator for one case of a run. */
export const caseRandom = (target: string, seed: number, index: number): Random =>
  createRandom('fuzz', target, seed, index);
