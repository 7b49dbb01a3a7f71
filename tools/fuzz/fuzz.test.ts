/** A short run of the fuzzer: `npm run fuzz` is the long one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { caseFile, runCase } from './cases.js';
import { TARGETS } from './targets.js';

const CASES = 300;

describe.each(TARGETS)('$name', (target) => {
  test('its seeds are right', async () => {
    expect(target.seeds.length).toBeGreaterThan(0);
    for (const path of target.seeds) await target.read(path);
  });

  test(`${CASES} mutated files are read or refused`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 't2r-fuzz-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const results = [];
    for (let number = 0; number < CASES; number++) results.push(await runCase(target, 1, number, join(folder, 'case')));
    // The process runs other tests as well: the memory it has taken is not this one's.
    const finds = results.filter(({ find }) => find !== undefined && !find.startsWith('the process has taken'));
    expect(finds).toEqual([]);
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
