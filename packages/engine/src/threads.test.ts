import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { defaultThreads } from './threads.js';

let topology: string | undefined;

afterEach(() => {
  if (topology !== undefined) rmSync(topology, { recursive: true });
  topology = undefined;
});

/** A folder as Linux has it, with the siblings of each logical processor. */
function machine(siblings: readonly string[]): string {
  topology = mkdtempSync(join(tmpdir(), 't2r-cores-'));
  mkdirSync(join(topology, 'cpufreq'));
  siblings.forEach((list, n) => {
    mkdirSync(join(topology!, `cpu${n}`, 'topology'), { recursive: true });
    writeFileSync(join(topology!, `cpu${n}`, 'topology', 'thread_siblings_list'), `${list}\n`);
  });
  return topology;
}

test.each([
  ['two cores', ['0', '1'], 2, 2],
  ['two cores of two threads', ['0,2', '1,3', '0,2', '1,3'], 4, 2],
  ['the same, three processors of which may be used', ['0-1', '0-1', '2-3', '2-3'], 3, 2],
  ['one processor of a large machine', ['0,2', '1,3', '0,2', '1,3'], 1, 1],
] as [string, string[], number, number][])('%s', (_, siblings, available, threads) => {
  expect(defaultThreads({ available, topology: machine(siblings) })).toBe(threads);
});

test('a thread a processor where the machine does not describe its cores', () => {
  expect(defaultThreads({ available: 8, topology: '/nowhere' })).toBe(8);
});
