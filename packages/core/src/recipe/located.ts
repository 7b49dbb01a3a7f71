/**
 * A recipe's values with the places they were written in. Files are merged, references replaced and matrices expanded on
 * these nodes, so that a mistake found at the end still points into the file the value comes from. Nodes are immutable.
 */
import type { SourceLocation } from '../errors.js';

export type Scalar = string | number | boolean | null;

export interface ScalarNode {
  kind: 'scalar';
  value: Scalar;
  at: SourceLocation;
  /** Text of a value that came from outside the file, for options that want a string. */
  text?: string;
  /** Set when relative paths in it are relative to the current folder and not to the file's. */
  fromHere?: boolean;
  /** Set when it was written `${id}` of a step; `value` is the id. */
  isStep?: boolean;
  /** Set when a problem has been reported already; nothing more is said about it. */
  invalid?: boolean;
}

export interface MapEntry {
  /** Where the key stands. */
  key: SourceLocation;
  node: LocatedNode;
}

export interface MapNode {
  kind: 'map';
  entries: ReadonlyMap<string, MapEntry>;
  at: SourceLocation;
}

export interface ListNode {
  kind: 'list';
  items: readonly LocatedNode[];
  at: SourceLocation;
}

export type LocatedNode = ScalarNode | MapNode | ListNode;

/** A mapping without entries. */
export function emptyMap(at: SourceLocation): MapNode {
  return { kind: 'map', entries: new Map(), at };
}

/** The value of a key, or undefined. */
export function childOf(node: LocatedNode, key: PropertyKey): LocatedNode | undefined {
  if (node.kind === 'map') return node.entries.get(String(key))?.node;
  if (node.kind === 'list') return node.items[Number(key)];
  return undefined;
}

/** The plain value. */
export function toValue(node: LocatedNode): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toValue);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toValue(entry.node)]));
}

/** A plain JSON value as nodes that all stand at one place. */
export function fromValue(value: unknown, at: SourceLocation): LocatedNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => fromValue(item, at)), at };
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, { key: at, node: fromValue(item, at) }] as const);
    return { kind: 'map', entries: new Map(entries), at };
  }
  return { kind: 'scalar', value: (value ?? null) as Scalar, at };
}

/** Where a path leads, or the deepest place on the way that exists. With `atKey`, the place of the last key. */
export function locate(node: LocatedNode, path: readonly PropertyKey[], atKey = false): SourceLocation {
  let current = node;
  for (const [index, key] of path.entries()) {
    const entry = current.kind === 'map' ? current.entries.get(String(key)) : undefined;
    if (entry !== undefined && atKey && index === path.length - 1) return entry.key;
    const next = entry?.node ?? childOf(current, key);
    if (next === undefined) return current.at;
    current = next;
  }
  return current.at;
}

/** A mapping without some keys. */
export function withoutKeys(node: MapNode, keys: ReadonlySet<string>): MapNode {
  return { ...node, entries: new Map([...node.entries].filter(([key]) => !keys.has(key))) };
}

function useOf(node: MapNode): Scalar | undefined {
  const use = node.entries.get('use')?.node;
  return use?.kind === 'scalar' ? use.value : undefined;
}

/**
 * `over` merged over `base`: mappings key by key, everything else replaced. Where both name a component and not the same
 * one, `over` replaces `base` whole: options of one component mean nothing to another.
 */
export function mergeNodes(base: LocatedNode, over: LocatedNode): LocatedNode {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const [baseUse, overUse] = [useOf(base), useOf(over)];
  if (baseUse !== undefined && overUse !== undefined && baseUse !== overUse) return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const earlier = entries.get(key);
    entries.set(key, earlier === undefined ? entry : { key: entry.key, node: mergeNodes(earlier.node, entry.node) });
  }
  return { kind: 'map', entries, at: over.at };
}
