/** A recipe's top-level keys other than steps. */
import type { SourceLocation } from '../errors.js';
import { showValue } from '../issues.js';
import { childOf, type MapNode, toValue } from './located.js';
import type { ProblemList } from './problem.js';
import { type ReferenceScope, resolveReferences } from './references.js';

/** Top-level keys that mean nothing by themselves and are there to be referred to. */
export const FRAGMENTS = ['model', 'attention', 'data', 'optimizer', 'schedule', 'vars'];
/** Every key a recipe's top level may have. */
export const TOP_LEVEL = ['name', 'description', 'extends', 'plugins', 'seed', 'engine', 'steps', ...FRAGMENTS];
const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** False when the file or a part of it could not be read, so that what seems to be missing may be there. */
export function isRead(root: MapNode, problems: ProblemList): boolean {
  return root.at.line !== undefined && !problems.truncated;
}

export interface Header {
  name: string;
  description?: string;
  seed: number;
  plugins: { spec: string; at: SourceLocation }[];
}

/** Reads name, description, seed and plugins, which may hold references. */
export function readHeader(root: MapNode, scope: ReferenceScope, problems: ProblemList): Header {
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
