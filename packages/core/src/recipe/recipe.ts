/** A validated recipe: what `loadRecipe` makes and `runRecipe` and `planRecipe` take. */
import type { ComponentSpec } from '../component.js';
import type { SourceLocation } from '../errors.js';
import type { Registry } from '../registry.js';
import type { ArtifactKind, Step } from '../step.js';
import { type Expectation, plainExpectations } from './expectation.js';
import type { Cell } from './step-ids.js';

export interface RecipeStep {
  /** Unique: `finetune`, or `finetune[attention=elu]` for a cell of a matrix. */
  id: string;
  /** The id as the recipe writes it, without the cell. */
  base: string;
  cell: Cell;
  /** Name of the step component. */
  use: string;
  /** Validated options: defaults filled in, references as `{ step: id }`, paths absolute. */
  options: Record<string, unknown>;
  /** Ids of the steps it reads, without those of `readsAll`. */
  inputs: string[];
  /** What of the options enters the key, with markers for the inputs. */
  material: unknown;
  step: Step;
  expect: Expectation[];
  location: SourceLocation;
}

/** A reference from one step to another, as found in the recipe. */
export interface StepLink {
  from: string;
  target: string;
  /** Where it is written. */
  at: SourceLocation;
  /** Kinds of artifact that may stand there. */
  kinds: readonly ArtifactKind[];
}

export interface Recipe {
  name: string;
  description?: string;
  /** The recipe file. */
  file: string;
  seed: number;
  engine: ComponentSpec;
  /** What of the engine enters the keys of steps that use it. */
  engineMaterial: unknown;
  /** Plugins named in the recipe: npm names and absolute paths. */
  plugins: string[];
  /** In the order they run: recipe order where the references allow it, steps that read everything last. */
  steps: RecipeStep[];
  /** The given registry and the recipe's own plugins. */
  registry: Registry;
}

/** The recipe as plain data with everything filled in, as it is written beside a run's results. */
export function resolvedRecipe(recipe: Recipe): Record<string, unknown> {
  const steps = recipe.steps.map(({ id, use, options, expect }) => [
    id,
    {
      use,
      ...(plainReferences(options) as object),
      ...(expect.length > 0 ? { expect: plainExpectations(expect) } : {}),
    },
  ]);
  return {
    name: recipe.name,
    ...(recipe.description === undefined ? {} : { description: recipe.description }),
    ...(recipe.plugins.length === 0 ? {} : { plugins: recipe.plugins }),
    seed: recipe.seed,
    engine: recipe.engine,
    steps: Object.fromEntries(steps),
  };
}

/** Writes `{ step: id }` as the id. */
function plainReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainReferences);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === 'step' && typeof first[1] === 'string') return first[1];
  return Object.fromEntries(entries.map(([key, item]) => [key, plainReferences(item)]));
}
