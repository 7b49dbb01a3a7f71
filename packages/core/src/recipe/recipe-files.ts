/** A recipe's files put together: the recipe over the fragments it extends, and `--set` overrides over both. */
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { childOf, emptyMap, type LocatedNode, type MapNode, mergeNodes, withoutKeys } from './located.js';
import type { ProblemList } from './problem.js';
import { parseYaml, parseYamlValue } from './yaml-source.js';

/** The name under which problems of `--set` are reported. */
export const SET_FILE = '--set';

const EXTENDS = new Set(['extends']);

/** Why a file could not be read, without Node's wording. */
export function readErrorMessage(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EISDIR') return 'it is a folder';
  if (code === 'EACCES') return 'it may not be read';
  return error instanceof Error ? error.message : String(error);
}

/**
 * Reads a recipe or fragment and everything it extends, deepest first, later ones over earlier ones.
 * @param path - As the user or the extending file names it; it appears in locations.
 * @param chain - Absolute paths of the files that lead here.
 * @returns The merged top-level mapping without `extends`; an empty one where the file cannot be read.
 */
export async function readRecipeFiles(
  path: string,
  problems: ProblemList,
  chain: readonly string[] = [],
): Promise<MapNode> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    problems.add({ file: path }, `cannot read the recipe: ${readErrorMessage(error)}`);
    return emptyMap({ file: path });
  }
  const start = { file: path, line: 1, column: 1 };
  const root = parseYaml(text, path, problems) ?? emptyMap(start);
  if (root.kind !== 'map') {
    problems.add(root.at, 'a recipe must be a mapping', 'top level keys are name, extends, steps, ...');
    return emptyMap({ file: path });
  }
  const here = [...chain, resolve(path)];
  let merged: LocatedNode = emptyMap(start);
  for (const { target, at } of extendsOf(root, problems)) {
    const fragment = isAbsolute(target) ? target : join(dirname(path), target);
    if (here.includes(resolve(fragment))) {
      problems.add(at, `"${target}" extends itself: ${[...here, resolve(fragment)].join(' -> ')}`, 'break the circle');
      continue;
    }
    const before = problems.reports;
    const base = await readExtended(fragment, at, problems, here);
    if (base.entries.size === 0 && problems.reports > before) continue;
    merged = mergeNodes(merged, base);
  }
  return mergeNodes(merged, withoutKeys(root, EXTENDS)) as MapNode;
}

async function readExtended(path: string, at: LocatedNode['at'], problems: ProblemList, chain: readonly string[]) {
  try {
    await readFile(path);
  } catch (error) {
    problems.add(
      at,
      `cannot extend "${path}": ${readErrorMessage(error)}`,
      'paths are relative to the file they are in',
    );
    return emptyMap(at);
  }
  return readRecipeFiles(path, problems, chain);
}

function extendsOf(root: MapNode, problems: ProblemList): { target: string; at: LocatedNode['at'] }[] {
  const node = childOf(root, 'extends');
  if (node === undefined) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    if (item.kind === 'scalar' && typeof item.value === 'string') return [{ target: item.value, at: item.at }];
    problems.add(item.at, '"extends" must be a path or a list of paths');
    return [];
  });
}

/** Applies `--set a.b=value` overrides, in order. The value is read as YAML; numbers in the path count list entries. */
export function applyOverrides(root: MapNode, overrides: readonly string[], problems: ProblemList): MapNode {
  let result: LocatedNode = root;
  for (const override of overrides) {
    const at = { file: `${SET_FILE} ${override}` };
    const equals = override.indexOf('=');
    const path = override.slice(0, equals).trim().split('.');
    if (equals < 1 || path.some((part) => part === '')) {
      problems.add(at, 'an override must be written path.to.option=value', 'for example steps.pretrain.steps=100');
      continue;
    }
    const value = parseYamlValue(override.slice(equals + 1), at);
    result = setAt(result, path, value, problems);
  }
  return result as MapNode;
}

function setAt(
  node: LocatedNode | undefined,
  path: readonly string[],
  value: LocatedNode,
  problems: ProblemList,
): LocatedNode {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (node?.kind === 'list') {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= node.items.length) {
      problems.add(value.at, `"${key}" is not an entry of a list of ${node.items.length}`, 'entries count from 0');
      return node;
    }
    const items = node.items.map((item, i) => (i === index ? setAt(item, rest, value, problems) : item));
    return { ...node, items };
  }
  const inner = setAt(node === undefined ? undefined : childOf(node, key), rest, value, problems);
  const over: MapNode = { kind: 'map', entries: new Map([[key, { key: value.at, node: inner }]]), at: value.at };
  if (node?.kind === 'map') return { ...(mergeNodes(node, over) as MapNode), at: node.at };
  // `model: ${base}` with --set model.layers=2: keep the reference and merge over it.
  const reference = node?.kind === 'scalar' && typeof node.value === 'string' && node.value.startsWith('${');
  if (!reference) return over;
  return { ...over, entries: new Map([['extends', { key: node.at, node }], ...over.entries]) };
}
