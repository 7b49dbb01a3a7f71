/** Running fuzz cases: case n of a target is a function of the seed and n alone, so that a find can be run again. */
import { writeFile } from 'node:fs/promises';
import { createRandom, UserError } from '@t2r/core';
import { mutate } from './mutate.js';
import type { FuzzTarget } from './targets.js';

/** A case may take this long and the process this much memory. */
export const LIMITS = { milliseconds: 2000, bytes: 500e6 };

export interface CaseResult {
  target: string;
  number: number;
  /** The file was read, refused with a UserError, or something else happened. */
  outcome: 'read' | 'refused' | 'find';
  milliseconds: number;
  /** Peak of the process so far. */
  bytes: number;
  /** What was found, for a person. */
  find?: string;
}

/** The mutated file of one case. */
export async function caseFile(target: FuzzTarget, seed: number, number: number): Promise<Buffer> {
  const { name, mutateInside } = target;
  const random = createRandom(seed, 'fuzz', name, number);
  const seeds = await target.seeds();
  const draw = () => seeds[random.integer(seeds.length)]!;
  const bytes = draw();
  if (mutateInside !== undefined && random.integer(3) > 0) return mutateInside(bytes, random);
  return mutate(bytes, random, draw());
}

/** Runs one case in this process; `scratch` is the file that the reader gets. */
export async function runCase(target: FuzzTarget, seed: number, number: number, scratch: string): Promise<CaseResult> {
  await writeFile(scratch, await caseFile(target, seed, number));
  const started = performance.now();
  const error: unknown = await target.read(scratch).then(
    () => undefined,
    (reason: unknown) => reason ?? new Error('rejected with nothing'),
  );
  const milliseconds = performance.now() - started;
  const bytes = process.resourceUsage().maxRSS * 1024;
  const find =
    error !== undefined && !(error instanceof UserError)
      ? `not a UserError: ${(error as Error).stack ?? String(error)}`
      : milliseconds > LIMITS.milliseconds
        ? `took ${Math.round(milliseconds)} ms`
        : bytes > LIMITS.bytes
          ? `the process has taken ${Math.round(bytes / 1e6)} MB`
          : undefined;
  const outcome = find !== undefined ? 'find' : error === undefined ? 'read' : 'refused';
  return { target: target.name, number, outcome, milliseconds, bytes, ...(find === undefined ? {} : { find }) };
}
