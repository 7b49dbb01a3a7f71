/** Runs recipes given as text, with all built-in components, in a folder of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import attention from '@t2r/attention';
import {
  type Artifact,
  createRegistry,
  formatProblem,
  loadRecipe,
  type RunSummary,
  readRun,
  runRecipe,
} from '@t2r/core';
import datasets from '@t2r/datasets';
import engine from '@t2r/engine';
import evaluators from '@t2r/evaluators';
import models from '@t2r/models';
import tokenizers from '@t2r/tokenizers';
import trainers from '@t2r/trainers';
import zoo from '@t2r/zoo';

export const registry = createRegistry([attention, datasets, engine, evaluators, models, tokenizers, trainers, zoo]);

export interface RecipeRun {
  /** What the recipe's check found; empty where it was run. */
  problems: string[];
  summary?: RunSummary;
  /** Results by step. */
  artifacts: Record<string, Artifact>;
}

/** Checks a recipe and runs it where nothing is wrong with it. */
export async function runSteps(folder: string, steps: string): Promise<RecipeRun> {
  const file = join(folder, 'steps.yaml');
  writeFileSync(file, `name: steps\nsteps:\n${steps.replace(/^/gm, '  ')}\n`);
  const { recipe, problems } = await loadRecipe(file, { registry, env: {} });
  if (recipe === undefined) return { problems: problems.map(formatProblem), artifacts: {} };
  const runsFolder = join(folder, 'runs');
  const summary = await runRecipe(recipe, { runsFolder });
  const { artifacts } = await readRun(join(runsFolder, 'steps'));
  return { problems: [], summary, artifacts: Object.fromEntries(artifacts.map((artifact) => [artifact.id, artifact])) };
}
