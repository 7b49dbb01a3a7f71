/**
 * Checkpoints that an interrupted run goes on from: `resume/step-N/` with all variables (parameters and optimizer slots) in
 * variables.safetensors and the rest in trainer.json. A folder is written under a temporary name and renamed when it is
 * whole; the newest two are kept, so that a damaged one costs only the steps since the one before.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainWriteError, hashFile, writeJsonAtomic } from '@t2r/core';
import type { Variables } from '@t2r/engine';
import type { TrainerState } from './trainer-state.js';
import { readVariables, writeVariables } from './variables-file.js';

const KEPT = 2;
const VARIABLES_FILE = 'variables.safetensors';
const STATE_FILE = 'trainer.json';

interface SavedState {
  state: TrainerState;
  /** Of variables.safetensors: a flipped bit in a weight has no other way to show. */
  sha256: string;
}

/** Steps of the whole checkpoints in a folder, newest first. */
async function savedSteps(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .flatMap((name) => /^step-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => b - a);
}

/** Writes a checkpoint of `state` and of the named variables, then removes all but the newest two. */
export async function saveResume(
  folder: string,
  state: TrainerState,
  variables: Variables,
  names: readonly string[],
): Promise<void> {
  const target = join(folder, `step-${state.step}`);
  const temporary = `${target}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await mkdir(temporary, { recursive: true });
    const path = join(temporary, VARIABLES_FILE);
    await writeVariables(path, variables, names);
    const saved: SavedState = { state, sha256: await hashFile(path) };
    await writeJsonAtomic(join(temporary, STATE_FILE), saved);
    // An earlier, damaged checkpoint of the same step may stand there.
    await rm(target, { recursive: true, force: true });
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw explainWriteError(error, target);
  }
  const keep = new Set((await savedSteps(folder)).slice(0, KEPT).map((step) => `step-${step}`));
  for (const name of await readdir(folder))
    if (name.startsWith('step-') && !keep.has(name)) await rm(join(folder, name), { recursive: true, force: true });
}

async function load(path: string, variables: Variables, names: readonly string[]): Promise<TrainerState> {
  const { state, sha256: expected } = JSON.parse(await readFile(join(path, STATE_FILE), 'utf8')) as SavedState;
  const file = join(path, VARIABLES_FILE);
  if ((await hashFile(file)) !== expected) throw new Error(`${file} is not what was written`);
  await readVariables(file, variables, names);
  return state;
}

/**
 * Restores the newest whole checkpoint into `variables`.
 *
 * @param warn told about each checkpoint that is damaged and therefore passed over
 * @returns its state, or undefined when the run begins from the start (`variables` are then untouched)
 */
export async function loadResume(
  folder: string,
  variables: Variables,
  names: readonly string[],
  warn: (message: string) => void,
): Promise<TrainerState | undefined> {
  for (const step of await savedSteps(folder)) {
    try {
      return await load(join(folder, `step-${step}`), variables, names);
    } catch (error) {
      warn(`the checkpoint of step ${step} cannot be used (${(error as Error).message}); trying an older one`);
    }
  }
  return undefined;
}
