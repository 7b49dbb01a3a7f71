/** Loads a recipe for the commands that go on with it. */
import { formatProblem, loadRecipe, type Recipe } from '@t2r/core';
import { commandRegistry } from './registry.js';
import type { Terminal } from './terminal.js';

/** The recipe, or undefined after its problems have been written to stderr. */
export async function loadOrExplain(
  file: string,
  set: readonly string[],
  { err, colors, env }: Terminal,
): Promise<Recipe | undefined> {
  const registry = await commandRegistry();
  const { recipe, problems } = await loadRecipe(file, { registry, set, env });
  for (const problem of problems) err(`${colors.red('error:')} ${formatProblem(problem)}\n`);
  return recipe;
}
