/** Finds the checkpoint that a command's argument means. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { nearestName, readRun, UserError } from '@t2r/core';

const CONFIG_FILE = 'config.json';

export interface FoundCheckpoint {
  folder: string;
  /** Plugins of the run it was found in: npm names and absolute paths. */
  plugins: string[];
}

/**
 * The folder of a checkpoint, given as that folder, as `<run folder>:<step>`, or as a run folder alone, which means its last
 * checkpoint.
 * @throws UserError where there is none, naming the checkpoints there are.
 */
export async function findCheckpoint(where: string): Promise<FoundCheckpoint> {
  if (await exists(join(where, CONFIG_FILE))) return { folder: where, plugins: [] };
  const colon = where.lastIndexOf(':');
  // A colon may also belong to the path itself.
  const named = colon > 0 && !(await exists(where));
  const [runFolder, step] = named ? [where.slice(0, colon), where.slice(colon + 1)] : [where, undefined];
  if (!(await exists(runFolder))) {
    throw new UserError(`there is no folder ${runFolder}`, {
      hint: 'Give a checkpoint folder, a run folder such as runs/quickstart, or runs/quickstart:finetune.',
    });
  }
  if (!(await exists(join(runFolder, 'recipe.resolved.yaml')))) {
    throw new UserError(`${runFolder} holds neither a checkpoint (${CONFIG_FILE}) nor a run (recipe.resolved.yaml)`);
  }
  const { artifacts, plugins } = await readRun(runFolder);
  const checkpoints = artifacts.filter(({ kind }) => kind === 'checkpoint');
  const ids = checkpoints.map(({ id }) => id);
  const chosen = step === undefined ? checkpoints.at(-1) : checkpoints.find(({ id }) => id === step);
  if (chosen !== undefined) return { folder: chosen.folder, plugins };
  if (step === undefined)
    throw new UserError(`${runFolder} has no finished checkpoint`, { hint: 'Run the recipe first.' });
  const nearest = nearestName(step, ids);
  const meant = nearest === undefined ? '' : `did you mean "${nearest}"? `;
  throw new UserError(`the last run in ${runFolder} left no checkpoint "${step}"`, {
    hint: `${meant}checkpoints: ${ids.join(', ')}; those of earlier runs are given by their folder in ${runFolder}`,
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
