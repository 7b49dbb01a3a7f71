/** A short run of the fuzzer: `npm run fuzz` is the long one. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { caseFile, runCase } from './cases.js';
import { TARGETS } from './targets.js';

const CASES = 300;

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 't2r-fuzz-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

describe.each(TARGETS)('$name', (target) => {
  test('its seeds are right', async () => {
    const seeds = await target.seeds();
    expect(seeds.length).toBeGreaterThan(0);
    const path = join(scratchFolder(), 'seed');
    for (const seed of seeds) {
      writeFileSync(path, seed);
      await target.read(path);
    }
  });

  test(`${CASES} mutated files are read or refused`, async () => {
    const folder = scratchFolder();
    const results = [];
    for (let number = 0; number < CASES; number++) results.push(await runCase(target, 1, number, join(folder, 'case')));
    // Other tests run beside this one: memory and time are for the long run to judge.
    expect(results.flatMap(({ find }) => (find?.startsWith('not a UserError') ? find : []))).toEqual([]);
    // Mutations go deep enough to matter: some leave the file readable.
    expect(results.some(({ outcome }) => outcome === 'read')).toBe(true);
    expect(results.some(({ outcome }) => outcome === 'refused')).toBe(true);
  });
});

test('a case is a function of the seed and its number', async () => {
  const [target] = TARGETS;
  expect(await caseFile(target!, 1, 7)).toEqual(await caseFile(target!, 1, 7));
  expect(await caseFile(target!, 1, 7)).not.toEqual(await caseFile(target!, 2, 7));
});
