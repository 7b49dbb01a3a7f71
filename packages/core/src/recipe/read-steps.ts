/** Reads a recipe's steps: one for each cell of a matrix, bound to its component, with its references checked. */
import { UserError } from '../errors.js';
import { showValue } from '../issues.js';
import { keyMaterial, markedSteps } from '../key.js';
import { knownNamesHint } from '../nearest.js';
import { createContext, type Registry } from '../registry.js';
import type { Step } from '../step.js';
import { type BindScope, type BoundComponent, bindComponent, reportErrors } from './bind.js';
import { readExpectations } from './expectation.js';
import { isRead, TOP_LEVEL } from './header.js';
import { childOf, locate, type MapNode, toValue, withoutKeys } from './located.js';
import { type CellValues, expandMatrices } from './matrix.js';
import { reportCircles } from './order.js';
import type { ProblemList } from './problem.js';
import type { RecipeStep, StepLink } from './recipe.js';
import { SET_FILE } from './recipe-files.js';
import { type ReferenceScope, resolveReferences, wholeReference } from './references.js';
import { type Cell, cellId, compatible, parseStepName, STEP_ID } from './step-ids.js';

/** Keys of a step that belong to the recipe language and not to its component. */
const STEP_KEYS = new Set(['matrix', 'exclude', 'expect']);

/** The mappings under `steps`, by id. */
export function readStepNodes(root: MapNode, problems: ProblemList): Map<string, MapNode> {
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

/** What all steps of a recipe are read with. */
interface StepsContext {
  scope: ReferenceScope;
  registry: Registry;
  cells: ReadonlyMap<string, readonly CellValues[]>;
  /** References found while binding; their kinds are checked when all steps are known. */
  links: StepLink[];
}

/** Binds and checks every cell of every step. Steps with problems are left out of what is returned. */
export async function readSteps(
  nodes: ReadonlyMap<string, MapNode>,
  scope: ReferenceScope,
  registry: Registry,
): Promise<RecipeStep[]> {
  const { problems } = scope;
  const unexpanded = new Map<string, MapNode>();
  for (const [id, node] of nodes) {
    const resolved = resolveReferences(node, scope);
    if (resolved.kind === 'map') unexpanded.set(id, resolved);
  }
  const cells = expandMatrices(unexpanded, registry, problems);
  const context: StepsContext = { scope, registry, cells, links: [] };
  const steps: RecipeStep[] = [];
  for (const [base, node] of nodes) {
    for (const cell of cells.get(base) ?? []) {
      const step = await readStep(base, node, cell, context);
      if (step !== undefined) steps.push(step);
    }
  }
  reportCircles(context.links, problems);
  reportKinds(context.links, steps, problems);
  return steps;
}

/** Reports references to steps that leave another kind of artifact than is needed. */
function reportKinds(links: readonly StepLink[], steps: readonly RecipeStep[], problems: ProblemList): void {
  const produces = new Map(steps.map(({ id, step }) => [id, step.produces]));
  for (const { target, at, kinds } of links) {
    const kind = produces.get(target);
    if (kind === undefined || kinds.includes(kind)) continue;
    const fitting = new Set(steps.filter(({ step }) => kinds.includes(step.produces)).map(({ base }) => base));
    const hint = fitting.size === 0 ? undefined : `steps that fit: ${[...fitting].join(', ')}`;
    problems.add(at, `the step "${target}" leaves an artifact of kind ${kind}, not ${kinds.join(' or ')}`, hint);
  }
}

async function readStep(
  base: string,
  raw: MapNode,
  { cell, values }: CellValues,
  context: StepsContext,
): Promise<RecipeStep | undefined> {
  const { scope, registry } = context;
  const { problems } = scope;
  const whole = resolveReferences(raw, { ...scope, matrix: values }) as MapNode;
  const options = withoutKeys(whole, STEP_KEYS);
  if (!options.entries.has('use') && raw.at.file.startsWith(SET_FILE)) {
    const others = [...scope.stepIds].filter((id) => id !== base);
    problems.add(raw.at, `there is no step "${base}"`, knownNamesHint(base, others, 'steps'));
    return undefined;
  }
  const id = cellId(base, cell);
  const bound = bindComponent('step', options, { registry, problems, step: stepFinder(id, cell, context) });
  const step = bound && reportErrors(problems, options.at, () => createStep(bound, registry));
  const expect = readExpectations(childOf(whole, 'expect'), step?.metricNames?.(), problems);
  if (bound === undefined || step === undefined) return undefined;
  await checkStep(step, options, problems);
  const material = keyMaterial(bound.component, bound.options, registry);
  return {
    id,
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

/** Looks up the steps that the options of one step name: those cells that agree with its own. */
function stepFinder(from: string, cell: Cell, { scope, cells, links }: StepsContext): BindScope['step'] {
  const { problems, stepIds } = scope;
  return (name, { at, kinds, inList }) => {
    const { base, selector } = parseStepName(name);
    const known = cells.get(base);
    if (known === undefined) {
      // Behind a syntax error there may be more steps than were read.
      if (problems.truncated) return undefined;
      problems.add(at, `there is no step "${name}"`, knownNamesHint(base, stepIds, 'steps'));
      return undefined;
    }
    const wanted = { ...cell, ...selector };
    const matching = known.filter((other) => compatible(other.cell, selector) && compatible(wanted, other.cell));
    if (matching.length === 0 || (!inList && matching.length > 1)) {
      const all = known.map((other) => cellId(base, other.cell)).join(', ');
      problems.add(at, `"${name}" names ${matching.length} cells of the step "${base}"`, `its cells: ${all}`);
      return undefined;
    }
    const ids = matching.map((other) => cellId(base, other.cell));
    for (const target of ids) links.push({ from, target, at, kinds });
    return ids;
  };
}

function createStep({ component, options }: BoundComponent, registry: Registry): Step {
  return component.create(options, createContext(registry)) as Step;
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
