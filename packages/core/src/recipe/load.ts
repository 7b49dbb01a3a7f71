/** Reads and validates a recipe. Nothing is run, and all problems are reported together. */
import { dirname } from 'node:path';
import { type SourceLocation, UserError } from '../errors.js';
import { showValue } from '../issues.js';
import { keyMaterial, markedSteps } from '../key.js';
import { knownNamesHint } from '../nearest.js';
import { loadPlugins } from '../plugins.js';
import { createContext, createRegistry, type Registry } from '../registry.js';
import type { Step } from '../step.js';
import { bindComponent, reportErrors } from './bind.js';
import { readExpectations } from './expectation.js';
import { childOf, fromValue, type LocatedNode, locate, type MapNode, toValue, withoutKeys } from './located.js';
import { type CellValues, expandMatrices } from './matrix.js';
import { orderSteps, reportCircles } from './order.js';
import { type Problem, ProblemList } from './problem.js';
import type { Recipe, RecipeStep, StepLink } from './recipe.js';
import { applyOverrides, readRecipeFiles, SET_FILE } from './recipe-files.js';
import { type ReferenceScope, resolveReferences, wholeReference } from './references.js';
import { cellId, compatible, parseStepName, STEP_ID } from './step-ids.js';

export interface LoadRecipeOptions {
  /** The components that recipes can use without naming a plugin. */
  registry: Registry;
  /** More plugins, npm names or paths relative to the current folder. */
  plugins?: readonly string[];
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

/** Keys a recipe's top level may have; those of FRAGMENTS are there to be referred to. */
const FRAGMENTS = ['model', 'attention', 'data', 'optimizer', 'schedule', 'vars'];
const TOP_LEVEL = ['name', 'description', 'extends', 'plugins', 'seed', 'engine', 'steps', ...FRAGMENTS];
/** Keys of a step that belong to the recipe language and not to its component. */
const STEP_KEYS = new Set(['matrix', 'exclude', 'expect']);
const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

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
      plugins: header.plugins.map((plugin) => plugin.spec),
      steps: ordered,
      registry,
    },
  };
}

function readStepNodes(root: MapNode, problems: ProblemList): Map<string, MapNode> {
  const nodes = new Map<string, MapNode>();
  const steps = childOf(root, 'steps');
  if (steps === undefined || steps.kind !== 'map' || steps.entries.size === 0) {
    if (isRead(root, problems))
      problems.add(steps?.at ?? root.at, 'a recipe needs "steps", a mapping from step ids to steps');
    return nodes;
  }
  for (const [id, { key, node }] of steps.entries) {
    if (!STEP_ID.test(id)) {
      problems.add(key, `"${id}" cannot name a step`, 'begin with a letter and use letters, digits, - and _');
    } else if (TOP_LEVEL.includes(id) || id === 'env' || id === 'matrix') {
      problems.add(
        key,
        `a step cannot be named "${id}"`,
        `\${${id}} means something else in recipes; choose another name`,
      );
    }
    if (node.kind === 'map') nodes.set(id, node);
    else if (wholeReference(node) !== undefined) {
      // `corpus: ${data}` is the mapping that it refers to.
      nodes.set(id, { kind: 'map', entries: new Map([['extends', { key: node.at, node }]]), at: node.at });
    } else problems.add(node.at, `the step "${id}" must be a mapping with "use", not ${showValue(toValue(node))}`);
  }
  return nodes;
}

/** False when the file or a part of it could not be read, so that what seems to be missing may be there. */
function isRead(root: MapNode, problems: ProblemList): boolean {
  return root.at.line !== undefined && !problems.truncated;
}

interface Header {
  name: string;
  description?: string;
  seed: number;
  plugins: { spec: string; at: SourceLocation }[];
}

function readHeader(root: MapNode, scope: ReferenceScope, problems: ProblemList): Header {
  const read = (key: string) => {
    const node = childOf(root, key);
    return node === undefined ? undefined : resolveReferences(node, scope);
  };
  const header: Header = { name: '', seed: 1, plugins: [] };
  const name = read('name');
  if (name === undefined) {
    if (root.at.line !== undefined)
      problems.add(root.at, 'a recipe needs a "name"', 'results are kept under runs/<name>');
  } else if (name.kind === 'scalar' && RUN_NAME.test(String(name.value))) header.name = String(name.value);
  else problems.add(name.at, '"name" must be a plain word', 'it names a folder: use letters, digits, ".", - and _');

  const description = read('description');
  if (description?.kind === 'scalar') header.description = String(description.value ?? '');
  else if (description !== undefined) problems.add(description.at, '"description" must be text');

  const seed = read('seed');
  if (seed?.kind === 'scalar' && Number.isSafeInteger(seed.value) && (seed.value as number) >= 0) {
    header.seed = seed.value as number;
  } else if (seed !== undefined) {
    problems.add(seed.at, `"seed" must be a whole number, at least 0, not ${showValue(toValue(seed))}`);
  }

  const plugins = read('plugins');
  const items = plugins === undefined ? [] : plugins.kind === 'list' ? plugins.items : [plugins];
  for (const item of items) {
    if (item.kind === 'scalar' && typeof item.value === 'string')
      header.plugins.push({ spec: item.value, at: item.at });
    else problems.add(item.at, '"plugins" must be a list of npm names and paths');
  }
  return header;
}

async function extendRegistry(
  options: LoadRecipeOptions,
  wanted: Header['plugins'],
  path: string,
  problems: ProblemList,
): Promise<Registry> {
  let registry = options.registry;
  const add = async (spec: string, folder: string, at: SourceLocation) => {
    if (registry.plugins.some((plugin) => plugin.name === spec)) return;
    try {
      registry = createRegistry([...registry.plugins, ...(await loadPlugins([spec], folder))]);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.add(at, error.message, error.hint);
    }
  };
  for (const spec of options.plugins ?? []) await add(spec, '.', { file: '--plugin' });
  for (const { spec, at } of wanted) await add(spec, at.file.startsWith(SET_FILE) ? '.' : dirname(at.file || path), at);
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

async function readSteps(
  nodes: Map<string, MapNode>,
  scope: ReferenceScope,
  registry: Registry,
): Promise<RecipeStep[]> {
  const { problems } = scope;
  const permissive = new Map<string, MapNode>();
  for (const [id, node] of nodes) {
    const resolved = resolveReferences(node, scope);
    if (resolved.kind === 'map') permissive.set(id, resolved);
  }
  const cells = expandMatrices(permissive, registry, problems);
  const references: StepLink[] = [];
  const steps: RecipeStep[] = [];
  for (const [base, node] of nodes) {
    for (const cell of cells.get(base) ?? []) {
      const step = await readStep(base, node, cell, cells, scope, registry, references);
      if (step !== undefined) steps.push(step);
    }
  }
  reportCircles(references, problems);
  const produces = new Map(steps.map(({ id, step }) => [id, step.produces]));
  for (const { target, at, kinds } of references) {
    const kind = produces.get(target);
    if (kind === undefined || kinds.includes(kind)) continue;
    const fitting = steps.filter(({ step }) => kinds.includes(step.produces)).map(({ base }) => base);
    const list = fitting.length === 0 ? 'no step makes one' : `steps that do: ${[...new Set(fitting)].join(', ')}`;
    problems.add(at, `the step "${target}" makes a ${kind}, but a ${kinds.join(' or ')} is needed`, list);
  }
  return steps;
}

async function readStep(
  base: string,
  raw: MapNode,
  { cell, values }: CellValues,
  cells: Map<string, CellValues[]>,
  scope: ReferenceScope,
  registry: Registry,
  references: StepLink[],
): Promise<RecipeStep | undefined> {
  const { problems } = scope;
  const whole = resolveReferences(raw, { ...scope, matrix: values }) as MapNode;
  const options = withoutKeys(whole, STEP_KEYS);
  if (!options.entries.has('use') && raw.at.file.startsWith(SET_FILE)) {
    const others = [...scope.stepIds].filter((id) => id !== base);
    problems.add(raw.at, `there is no step "${base}"`, knownNamesHint(base, others, 'steps'));
    return undefined;
  }
  const find = (
    name: string,
    { at, kinds, inList }: { at: SourceLocation; kinds: readonly string[]; inList: boolean },
  ) => {
    const { base: wanted, selector } = parseStepName(name);
    const known = cells.get(wanted);
    if (known === undefined) {
      if (!problems.truncated)
        problems.add(at, `there is no step "${name}"`, knownNamesHint(wanted, scope.stepIds, 'steps'));
      return undefined;
    }
    const matching = known.filter(
      (other) => compatible(other.cell, selector) && compatible({ ...cell, ...selector }, other.cell),
    );
    if (matching.length === 0 || (!inList && matching.length > 1)) {
      const ids = known.map((other) => cellId(wanted, other.cell));
      problems.add(
        at,
        `"${name}" names ${matching.length} cells of the step "${wanted}"`,
        `its cells: ${ids.join(', ')}`,
      );
      return undefined;
    }
    const ids = matching.map((other) => cellId(wanted, other.cell));
    for (const target of ids) references.push({ from: cellId(base, cell), target, at, kinds });
    return ids;
  };
  const bound = bindComponent('step', options, { registry, problems, step: find });
  const step = bound && reportErrors(problems, options.at, () => createStep(bound, registry));
  const expect = readExpectations(childOf(whole, 'expect'), step && metricNames(step), problems);
  if (bound === undefined || step === undefined) return undefined;
  await checkStep(step, options, problems);
  const material = keyMaterial(bound.component, bound.options, registry);
  return {
    id: cellId(base, cell),
    base,
    cell,
    use: bound.component.name,
    options: bound.options,
    inputs: markedSteps(material),
    material,
    step,
    expect,
    location: options.at,
  };
}

function createStep(bound: NonNullable<ReturnType<typeof bindComponent>>, registry: Registry): Step {
  return bound.component.create(bound.options, createContext(registry)) as Step;
}

function metricNames(step: Step): readonly string[] | undefined {
  return step.metricNames?.();
}

async function checkStep(step: Step, options: MapNode, problems: ProblemList): Promise<void> {
  try {
    for (const { path, message, hint } of (await step.check?.()) ?? []) {
      problems.add(locate(options, path), message, hint);
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.add(error.location ?? options.at, error.message, error.hint);
  }
}
