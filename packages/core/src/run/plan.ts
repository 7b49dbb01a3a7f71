/** What a recipe would do: keys, what is done already, and the steps' own estimates. Nothing is run. */
import { join, resolve } from 'node:path';
import type { Recipe, RecipeStep } from '../recipe/recipe.js';
import type { Registry } from '../registry.js';
import type { PlanContext, StepPlan } from '../step.js';
import { stepKey } from './keys.js';
import { readResult, resultFolderName } from './result.js';

export interface PlannedStep {
  id: string;
  /** Name of the step component. */
  use: string;
  inputs: string[];
  /** Content key; absent where it cannot be known yet (a file it depends on cannot be read). */
  key?: string;
  /** True when the result is in the run folder already. */
  cached: boolean;
  plan: StepPlan;
}

export interface PlanOptions {
  /** Folder of all runs. Default `runs`. */
  runsFolder?: string;
}

/**
 * The steps' own estimates, by id, in the order they would run.
 * @param onError - Called with what a step throws; its estimate is empty then. Without it the error goes on.
 */
export function planSteps(
  { engine, steps }: Pick<Recipe, 'engine' | 'steps'>,
  registry: Registry,
  onError?: (step: RecipeStep, error: unknown) => void,
): Map<string, StepPlan> {
  const plans = new Map<string, StepPlan>();
  const context: PlanContext = {
    engineSpec: engine,
    create: (kind, spec) => registry.create(kind, spec),
    input: (ref) => plans.get(ref.step) ?? {},
  };
  for (const step of steps) {
    let plan: StepPlan | undefined;
    try {
      plan = step.step.plan?.(context);
    } catch (error) {
      if (onError === undefined) throw error;
      onError(step, error);
    }
    plans.set(step.id, plan ?? {});
  }
  return plans;
}

/** Plans every step, in the order they would run. */
export async function planRecipe(
  recipe: Recipe,
  registry: Registry = recipe.registry,
  { runsFolder = 'runs' }: PlanOptions = {},
): Promise<PlannedStep[]> {
  const folder = resolve(runsFolder, recipe.name);
  const keys = new Map<string, string>();
  const plans = planSteps(recipe, registry);
  const planned: PlannedStep[] = [];
  for (const step of recipe.steps) {
    const plan = plans.get(step.id)!;
    let key: string | undefined;
    if (step.inputs.every((id) => keys.has(id))) {
      try {
        key = await stepKey(recipe, step, keys);
        keys.set(step.id, key);
      } catch {
        // Planning goes on without the key; running will say what is wrong.
      }
    }
    const stored = key === undefined ? undefined : await readResult(join(folder, resultFolderName(step.id, key)), key);
    planned.push({ id: step.id, use: step.use, inputs: step.inputs, key, cached: stored?.state === 'done', plan });
  }
  return planned;
}
