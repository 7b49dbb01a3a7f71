/** Runs `dataset/bitext` on files made for a test. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Artifact, UserError } from '@t2r/core';
import { expect } from 'vitest';
import type { BitextData } from '../index.js';
import { createStepRunner } from './step-runner.js';

export function createBitextRunner() {
  const runner = createStepRunner();
  const { folder } = runner;
  /** English and German below the runner's folder. */
  const base = { source: 'en', target: 'de', root: folder };
  let runs = 0;
  const run = (options: object, given = {}) =>
    runner.run(`bitext${runs++}`, 'dataset/bitext', { ...base, ...options }, given);
  return {
    ...runner,
    base,
    run,
    /** Writes files below the folder. */
    async put(files: Record<string, string | Buffer>): Promise<void> {
      for (const [name, content] of Object.entries(files)) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
    },
    /** The UserError that a run ends with. */
    async failure(options: object) {
      const error = await run(options).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(error).toBeInstanceOf(UserError);
      const { message, hint, location } = error as UserError;
      return { message, hint, location };
    },
  };
}

/** The pairs of a split, as they lie in the step's folder. */
export function pairsOf(artifact: Artifact, split: string): string[][] {
  const { source, target } = (artifact.data as BitextData).splits[split]!;
  const [a, b] = [source, target].map(({ path }) => readFileSync(path, 'utf8').split('\n'));
  expect(a!.length).toBe(b!.length);
  expect([a!.pop(), b!.pop()]).toEqual(['', '']);
  return a!.map((line, i) => [line, b![i]!]);
}
