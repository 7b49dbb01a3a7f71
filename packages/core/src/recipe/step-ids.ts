/** Ids of steps: `finetune`, and `finetune[attention=elu,init=random]` for a cell of a matrix. */
import { type LocatedNode, toValue } from './located.js';

/** Steps are named like this: a letter, then letters, digits, - and _. */
export const STEP_ID = /^[A-Za-z][A-Za-z0-9_-]*$/;

/** Labels that a recipe gives to the values of an axis. */
export const AXIS_LABEL = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/;

/** A cell: axis name to the label of its value. */
export type Cell = Readonly<Record<string, string>>;

/** The id of a step's cell. */
export function cellId(base: string, cell: Cell): string {
  const parts = Object.entries(cell).map(([axis, label]) => `${axis}=${label}`);
  return parts.length === 0 ? base : `${base}[${parts.join(',')}]`;
}

/** Splits `base[axis=label,...]` as written in a reference. */
export function parseStepName(name: string): { base: string; selector: Cell } {
  const match = /^([^[\]]+)\[(.*)\]$/.exec(name);
  if (match === null) return { base: name, selector: {} };
  const selector = match[2]!.split(',').map((part) => {
    const [axis = '', ...label] = part.split('=');
    return [axis.trim(), label.join('=').trim()] as const;
  });
  return { base: match[1]!, selector: Object.fromEntries(selector) };
}

/** Labels of an axis' values: the value itself, the name of a component, or the position where these do not tell them apart. */
export function axisLabels(values: readonly LocatedNode[]): string[] {
  const labels = values.map((node) => {
    const value = toValue(node);
    if (typeof value !== 'object' || value === null) return String(value);
    const use = (value as { use?: unknown }).use;
    return typeof use === 'string' ? use : '';
  });
  return labels.map((label, index) => {
    const unique = label !== '' && labels.indexOf(label) === labels.lastIndexOf(label);
    const clean = label.replace(/[[\],=\s]+/g, '-');
    return unique ? clean : `${clean === '' ? '' : `${clean}-`}${index + 1}`;
  });
}

/** True when two cells agree on the axes they share. */
export function compatible(a: Cell, b: Cell): boolean {
  return Object.entries(a).every(([axis, label]) => b[axis] === undefined || b[axis] === label);
}
