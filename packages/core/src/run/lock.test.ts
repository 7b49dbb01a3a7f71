import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../__fixtures__/temporary-recipe.js';
import { takeLock } from './lock.js';

/** A lock whose process has ended: no system gives out this number. */
const DEAD = JSON.stringify({ pid: 2 ** 30, host: hostname() });

it('is had by one of many that find a dead process in it at the same time', async () => {
  const folder = temporaryFolder();
  const lock = join(folder, '.lock');
  writeFileSync(lock, DEAD);
  const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => takeLock(lock)));
  const taken = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  expect(taken).toHaveLength(1);
  await taken[0]!();
  expect(readdirSync(folder)).toEqual([]);
});

it('is not released from under another run that has taken its place', async () => {
  const lock = join(temporaryFolder(), '.lock');
  const release = await takeLock(lock);
  writeFileSync(lock, DEAD);
  await release();
  expect(existsSync(lock) && readFileSync(lock, 'utf8')).toBe(DEAD);
});
