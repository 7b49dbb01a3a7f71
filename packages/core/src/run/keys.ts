/** Keys of a recipe's steps. */
import { hashJson, resolveMarkers } from '../key.js';
import { plainExpectations } from '../recipe/expectation.js';
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
    all: step.step.readsAll ? everything(recipe, keys) : undefined,
  });
}

/** What a step that reads everything depends on: results, and the expectations that it may show beside them. */
function everything(recipe: Recipe, keys: ReadonlyMap<string, string>) {
  const expect = recipe.steps.map(({ id, expect: expectations }) => [id, plainExpectations(expectations)]);
  return { run: recipe.name, keys: Object.fromEntries(keys), expect: Object.fromEntries(expect) };
}
