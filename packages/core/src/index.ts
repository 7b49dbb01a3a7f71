export {
  addressBelow,
  addressProblem,
  fileName,
  isFile,
  isFolder,
  md5Option,
  problemWith,
  sha256Option,
} from './checked-files.js';
export { type Checksum, differenceFrom } from './checksum.js';
export {
  type Component,
  type ComponentKind,
  type ComponentKinds,
  type ComponentSpec,
  type CreateContext,
  defineComponent,
  definePlugin,
  type Plugin,
} from './component.js';
export { describeComponent, type OptionRow } from './describe.js';
export { type DownloadOptions, download, downloadFromAny } from './download.js';
export { formatLocation, placedMessage, type SourceLocation, UserError, type UserErrorOptions } from './errors.js';
export type { EventSink, RunEvent, TimedEvent } from './events.js';
export { explainWriteError, writeFileAtomic, writeFileAtomicWith, writeJsonAtomic } from './files.js';
export { recipeJsonSchema } from './json-schema.js';
export { hashFile, hashJson } from './key.js';
export { nearestName } from './nearest.js';
export {
  COMPONENT_META,
  componentOption,
  NOT_IN_KEY_META,
  notInKey,
  PATH_META,
  pathOption,
  STEP_REF_META,
  stepRef,
} from './options.js';
export { loadPlugins } from './plugins.js';
export { createRandom, deriveSeed, type Random } from './random.js';
export type { Expectation, Miss, Tolerance } from './recipe/expectation.js';
export { type LoadedRecipe, type LoadRecipeOptions, loadRecipe } from './recipe/load.js';
export { formatProblem, type Problem } from './recipe/problem.js';
export { type Recipe, type RecipeStep, resolvedRecipe } from './recipe/recipe.js';
export { createRegistry, type Registry } from './registry.js';
export { type PlannedStep, type PlanOptions, planRecipe } from './run/plan.js';
export { type JudgedExpectation, type RunRecord, readRun } from './run/read-run.js';
export { readResult, type StoredResult } from './run/result.js';
export { type RunOptions, runRecipe } from './run/run.js';
export type { RunError, RunSummary, StepSummary } from './run/summary.js';
export type {
  Artifact,
  ArtifactKind,
  Metrics,
  PlanContext,
  Step,
  StepContext,
  StepPlan,
  StepProblem,
  StepReference,
  StepResult,
} from './step.js';
