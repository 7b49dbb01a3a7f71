/**
 * `matrix: { axis: [values] }`, or `{ axis: { label: value } }`, multiplies a step. A step with a single reference to a multiplied step is multiplied along
 * with it; a list reference gathers all cells. Which options are references is known from the component's schema.
 */
import type { z } from 'zod';
import type { Registry } from '../registry.js';
import { definition, viewSchema } from '../schema.js';
import { childOf, type LocatedNode, type MapNode } from './located.js';
import type { ProblemList } from './problem.js';
import { AXIS_LABEL, axisLabels, type Cell, compatible, parseStepName } from './step-ids.js';

/** A cell with the values of its axes. */
export interface CellValues {
  cell: Cell;
  values: Readonly<Record<string, LocatedNode>>;
}

/** Names of the steps a value refers to singly (not in a list), as far as schema and value tell. */
function singleReferences(schema: z.ZodType, node: LocatedNode, registry: Registry): string[] {
  const view = viewSchema(schema);
  if (view.stepRef !== undefined) return node.kind === 'scalar' && typeof node.value === 'string' ? [node.value] : [];
  if (view.component !== undefined) {
    const use = childOf(node, 'use');
    const name = use?.kind === 'scalar' ? String(use.value) : '';
    const component = registry.get(view.component, name);
    return component === undefined ? [] : singleReferences(component.schema, node, registry);
  }
  const def = definition(view.core);
  if (def.type === 'union') return def.options.flatMap((option) => singleReferences(option, node, registry));
  if (node.kind === 'scalar') return [];
  if (def.type === 'object' && node.kind === 'map') {
    return Object.entries(def.shape).flatMap(([key, field]) => {
      const child = childOf(node, key);
      return child === undefined ? [] : singleReferences(field, child, registry);
    });
  }
  if (def.type === 'record' && node.kind === 'map') {
    return [...node.entries.values()].flatMap((entry) => singleReferences(def.valueType, entry.node, registry));
  }
  if (def.type === 'array' && node.kind === 'list' && viewSchema(def.element).stepRef === undefined) {
    return node.items.flatMap((item) => singleReferences(def.element, item, registry));
  }
  return [];
}

/**
 * The cells of every step.
 * @param steps - Steps by id, references resolved except those to matrix axes.
 */
export function expandMatrices(
  steps: ReadonlyMap<string, MapNode>,
  registry: Registry,
  problems: ProblemList,
): Map<string, CellValues[]> {
  const done = new Map<string, CellValues[]>();
  const open = new Set<string>();
  const cellsOf = (id: string): CellValues[] => {
    const known = done.get(id);
    const node = steps.get(id);
    // A circle of references is reported elsewhere; here it only must not go on for ever.
    if (known !== undefined || node === undefined || open.has(id)) return known ?? [{ cell: {}, values: {} }];
    open.add(id);
    let cells = ownCells(node, problems);
    const use = childOf(node, 'use');
    const component = use?.kind === 'scalar' ? registry.get('step', String(use.value)) : undefined;
    const names = component === undefined ? [] : singleReferences(component.schema, node, registry);
    for (const { base, selector } of names.map(parseStepName)) {
      const pinned = new Set(Object.keys(selector));
      const inherited = cellsOf(base)
        .filter(({ cell }) => compatible(cell, selector))
        .map((other) => pick(other, (axis) => !pinned.has(axis)));
      const joined = cells.flatMap((own) =>
        inherited
          .filter((other) => compatible(own.cell, other.cell))
          .map((other) => ({ cell: { ...other.cell, ...own.cell }, values: { ...other.values, ...own.values } })),
      );
      if (joined.length > 0) cells = distinct(joined);
    }
    open.delete(id);
    done.set(id, cells);
    return cells;
  };
  for (const id of steps.keys()) cellsOf(id);
  return done;
}

function pick({ cell, values }: CellValues, keep: (axis: string) => boolean): CellValues {
  const filter = <T>(record: Readonly<Record<string, T>>) =>
    Object.fromEntries(Object.entries(record).filter(([axis]) => keep(axis)));
  return { cell: filter(cell), values: filter(values) };
}

function distinct(cells: readonly CellValues[]): CellValues[] {
  return [...new Map(cells.map((one) => [JSON.stringify(one.cell), one])).values()];
}

const WANTED = 'write matrix: { axis: [value, value] } or { axis: { name: value, name: value } }';

function ownCells(node: MapNode, problems: ProblemList): CellValues[] {
  const single: CellValues[] = [{ cell: {}, values: {} }];
  const matrix = childOf(node, 'matrix');
  if (matrix === undefined || (matrix.kind === 'scalar' && matrix.invalid)) return single;
  if (matrix.kind !== 'map' || matrix.entries.size === 0) {
    problems.add(matrix.at, '"matrix" must be a mapping from axis names to lists', WANTED);
    return single;
  }
  let cells = single;
  const axes = new Map<string, string[]>();
  for (const [axis, entry] of matrix.entries) {
    if (!/^[A-Za-z][A-Za-z0-9_-]*$/.test(axis)) {
      problems.add(entry.key, `"${axis}" cannot name a matrix axis`, 'use letters, digits, - and _');
      continue;
    }
    const labelled = labelledValues(entry.node, axis, problems);
    if (labelled === undefined) continue;
    axes.set(
      axis,
      labelled.map(([label]) => label),
    );
    cells = cells.flatMap(({ cell, values }) =>
      labelled.map(([label, item]) => ({ cell: { ...cell, [axis]: label }, values: { ...values, [axis]: item } })),
    );
  }
  for (const excluded of exclusions(node, axes, problems)) {
    cells = cells.filter(({ cell }) => !compatible(excluded, cell));
  }
  if (cells.length === 0) {
    problems.add(matrix.at, 'every cell of the matrix is excluded');
    return single;
  }
  return cells;
}

/** The values of an axis and what they are called: as the recipe names them, or by themselves in a list. */
function labelledValues(
  node: LocatedNode,
  axis: string,
  problems: ProblemList,
): [label: string, value: LocatedNode][] | undefined {
  if (node.kind === 'scalar' && node.invalid) return undefined;
  if (node.kind === 'list' && node.items.length > 0) {
    const labels = axisLabels(node.items);
    return node.items.map((item, i) => [labels[i]!, item]);
  }
  // `axis: { use: elu }` is one component without the brackets of a list.
  if (node.kind === 'map' && node.entries.size > 0 && !node.entries.has('use')) {
    const entries = [...node.entries];
    const wrong = entries.find(([label]) => !AXIS_LABEL.test(label));
    if (wrong === undefined) return entries.map(([label, value]) => [label, value.node]);
    problems.add(wrong[1].key, `"${wrong[0]}" cannot name a value`, 'use letters, digits, +, ., - and _');
    return undefined;
  }
  problems.add(node.at, `the matrix axis "${axis}" must be a list of at least one value, or name its values`, WANTED);
  return undefined;
}

function exclusions(node: MapNode, axes: ReadonlyMap<string, string[]>, problems: ProblemList): Cell[] {
  const exclude = childOf(node, 'exclude');
  if (exclude === undefined) return [];
  if (exclude.kind !== 'list') {
    problems.add(exclude.at, '"exclude" must be a list of mappings from axes to values');
    return [];
  }
  return exclude.items.flatMap((item) => {
    if (item.kind !== 'map' || item.entries.size === 0) {
      problems.add(item.at, '"exclude" must be a list of mappings from axes to values');
      return [];
    }
    const cell: Record<string, string> = {};
    for (const [axis, entry] of item.entries) {
      const labels = axes.get(axis);
      const [label] = axisLabels([entry.node]);
      if (labels === undefined) {
        problems.add(entry.key, `"${axis}" is not an axis of this matrix`, `axes: ${[...axes.keys()].join(', ')}`);
      } else if (!labels.includes(label!)) {
        problems.add(entry.node.at, `the axis "${axis}" has no value "${label}"`, `values: ${labels.join(', ')}`);
      } else cell[axis] = label!;
    }
    return Object.keys(cell).length === item.entries.size ? [cell] : [];
  });
}
