/** Reads and validates a recipe. Nothing is run, and all problems are reported together. */
import { dirname } from 'node:path';
import { type SourceLocation, UserError } from '../errors.js';
import { keyMaterial } from '../key.js';
import { knownNamesHint } from '../nearest.js';
import { absolutePlugin, loadPlugins } from '../plugins.js';
import { createRegistry, type Registry } from '../registry.js';
import { planSteps } from '../run/plan.js';
import { bindComponent, reportErrors } from './bind.js';
import { FRAGMENTS, type Header, readHeader, TOP_LEVEL } from './header.js';
import { childOf, fromValue, type LocatedNode, type MapNode } from './located.js';
import { orderSteps } from './order.js';
import { type Problem, ProblemList } from './problem.js';
import { readStepNodes, readSteps } from './read-steps.js';
import type { Recipe } from './recipe.js';
import { applyOverrides, readRecipeFiles, SET_FILE } from './recipe-files.js';
import { type ReferenceScope, resolveReferences } from './references.js';

export interface LoadRecipeOptions {
  /** The components that recipes can use without naming a plugin. */
  registry: Registry;
  /** Overrides `a.b=value`, applied in order over the files. */
  set?: readonly string[];
  /** Environment that `${env.NAME}` reads. Default: the process's. */
  env?: Readonly<Record<string, string | undefined>>;
}

export interface LoadedRecipe {
  /** Absent when there are problems. */
  recipe?: Recipe;
  problems: Problem[];
}

/** Reads a recipe file, everything it extends and overrides, and validates the whole. Never throws for user mistakes. */
export async function loadRecipe(path: string, options: LoadRecipeOptions): Promise<LoadedRecipe> {
  const problems = new ProblemList();
  const files = await readRecipeFiles(path, problems);
  const root = applyOverrides(files, options.set ?? [], problems);
  const stepNodes = readStepNodes(root, problems);
  const scope: ReferenceScope = {
    root,
    stepIds: new Set(stepNodes.keys()),
    env: options.env ?? process.env,
    problems,
    circles: new Set(),
  };
  for (const [key, { key: at, node }] of root.entries) {
    if (!TOP_LEVEL.includes(key)) {
      problems.add(at, `unknown top-level key "${key}"`, knownNamesHint(key, TOP_LEVEL, 'top-level keys'));
    } else if (FRAGMENTS.includes(key)) resolveReferences(node, scope);
  }
  const header = readHeader(root, scope, problems);
  const registry = await extendRegistry(options, header.plugins, path, problems);
  const engineNode = resolveReferences(childOf(root, 'engine') ?? fromValue({ use: 'onnx' }, { file: path }), scope);
  const engine = bindEngine(engineNode, root, registry, problems);
  const steps = await readSteps(stepNodes, scope, registry);
  const ordered = orderSteps(steps);
  if (problems.list().length === 0 && engine !== undefined)
    checkPlans({ ...engine, steps: ordered }, registry, problems);
  const found = problems.list();
  if (found.length > 0 || engine === undefined) return { problems: found };
  return {
    problems: found,
    recipe: {
      name: header.name,
      description: header.description,
      file: path,
      seed: header.seed,
      ...engine,
      plugins: header.plugins.map(({ spec, at }) => absolutePlugin(spec, pluginFolder(at, path))),
      steps: ordered,
      registry,
    },
  };
}

/** Steps that each are well may not fit together (a layer that the model does not have); their plans find that out. */
function checkPlans(recipe: Pick<Recipe, 'engine' | 'steps'>, registry: Registry, problems: ProblemList): void {
  planSteps(recipe, registry, ({ location }, error) => {
    reportErrors(problems, location, () => {
      throw error;
    });
  });
}

/** The folder that a plugin's path is relative to: that of the file which names it. */
const pluginFolder = ({ file }: SourceLocation, path: string) =>
  file.startsWith(SET_FILE) ? '.' : dirname(file || path);

async function extendRegistry(
  options: LoadRecipeOptions,
  wanted: Header['plugins'],
  path: string,
  problems: ProblemList,
): Promise<Registry> {
  let registry = options.registry;
  const add = async (spec: string, at: SourceLocation) => {
    if (registry.plugins.some((plugin) => plugin.name === spec)) return;
    try {
      registry = createRegistry([...registry.plugins, ...(await loadPlugins([spec], pluginFolder(at, path)))]);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.add(at, error.message, error.hint);
    }
  };
  for (const { spec, at } of wanted) await add(spec, at);
  return registry;
}

function bindEngine(node: LocatedNode, root: MapNode, registry: Registry, problems: ProblemList) {
  // Without any engine loaded (plugins for data only, tests), the default one is taken on trust.
  if (childOf(root, 'engine') === undefined && !registry.has('engine', 'onnx')) {
    return { engine: { use: 'onnx' }, engineMaterial: 'onnx' };
  }
  const noSteps = (at: SourceLocation) => {
    problems.add(at, 'an engine cannot refer to steps');
    return undefined;
  };
  const bound = bindComponent('engine', node, { registry, problems, step: (_, { at }) => noSteps(at) });
  if (bound === undefined) return undefined;
  return {
    engine: { use: bound.component.name, ...bound.options },
    engineMaterial: keyMaterial(bound.component, bound.options, registry),
  };
}
