/** Keys of a recipe's steps. */
import { hashJson, resolveMarkers } from '../key.js';
import type { Recipe, RecipeStep } from '../recipe/recipe.js';

/**
 * The key of a step's result.
 * @param keys - Keys of the steps before it, by id. A step that reads everything depends on all that are in it.
 */
export async function stepKey(recipe: Recipe, step: RecipeStep, keys: ReadonlyMap<string, string>): Promise<string> {
  return hashJson({
    material: resolveMarkers(step.material, (id) => keys.get(id)!),
    fingerprint: await step.step.fingerprint?.(),
    seed: recipe.seed,
    engine: step.step.usesEngine ? recipe.engineMaterial : undefined,
    all: step.step.readsAll ? { run: recipe.name, keys: Object.fromEntries(keys) } : undefined,
  });
}
