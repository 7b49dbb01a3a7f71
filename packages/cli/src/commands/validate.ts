/** `t2r validate`: every mistake in a recipe, with its place. */
import { formatProblem, loadRecipe } from '@t2r/core';
import { EXIT } from '../failure.js';
import { commandRegistry } from '../registry.js';
import type { Terminal } from '../terminal.js';

export interface ValidateCommandOptions {
  set: string[];
  json?: boolean;
}

/** Checks recipes: 0 when all are well, 2 when there is any problem. */
export async function validateCommand(
  files: readonly string[],
  { set, json = false }: ValidateCommandOptions,
  { out, err, env }: Terminal,
): Promise<number> {
  const registry = await commandRegistry();
  const results = [];
  for (const file of files) results.push({ file, problems: (await loadRecipe(file, { registry, set, env })).problems });
  const problems = results.flatMap((result) => result.problems);
  if (json) {
    out(`${JSON.stringify(results, null, 2)}\n`);
  } else if (problems.length > 0) {
    for (const problem of problems) out(`${formatProblem(problem)}\n`);
    err(`${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}\n`);
  } else {
    for (const file of files) out(`${file}: valid\n`);
  }
  return problems.length > 0 ? EXIT.usage : EXIT.ok;
}
