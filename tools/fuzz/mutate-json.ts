/** Seeded damage to the values inside a JSON text; it stays JSON. */
import type { Random } from '@t2r/core';

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
