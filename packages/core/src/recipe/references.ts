/**
 * `${...}` in a recipe: `${model}` and `${optimizer.lr}` (any value by its path from the top), `${env.NAME}` and
 * `${env.NAME:-fallback}`, `${matrix.axis}`, `${pretrain}` (a step). Alone in a value it keeps the type; within a longer
 * text it is written into it. A mapping with `extends: ${model}` is merged over what it extends. `$${` is a literal `${`.
 */
import type { SourceLocation } from '../errors.js';
import { nearestName } from '../nearest.js';
import { childOf, type LocatedNode, type MapNode, mergeNodes, type ScalarNode, withoutKeys } from './located.js';
import type { ProblemList } from './problem.js';
import { parseYamlValue } from './yaml-source.js';

/** What references can see. */
export interface ReferenceScope {
  root: MapNode;
  stepIds: ReadonlySet<string>;
  env: Readonly<Record<string, string | undefined>>;
  /** Values of the matrix axes of the step; when absent, `${matrix.axis}` is left as it is. */
  matrix?: Readonly<Record<string, LocatedNode>>;
  problems: ProblemList;
  /** Circles reported already, so that each is reported at one of its places only. */
  circles: Set<string>;
}

const REFERENCE = /\$\$\{|\$\{([^{}]*)\}/g;
const WHOLE = /^\$\{([^{}]*)\}$/;
const EXTENDS = new Set(['extends']);

/** The expression of a scalar that is nothing but one reference. */
export function wholeReference(node: LocatedNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || typeof node.value !== 'string') return undefined;
  return WHOLE.exec(node.value)?.[1]?.trim();
}

/** Replaces every reference in a value. What cannot be resolved is reported and comes out marked invalid. */
export function resolveReferences(node: LocatedNode, scope: ReferenceScope): LocatedNode {
  return resolveNode(node, scope, []);
}

function resolveNode(node: LocatedNode, scope: ReferenceScope, stack: readonly string[]): LocatedNode {
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => resolveNode(item, scope, stack)) };
  if (node.kind === 'map') return resolveMap(node, scope, stack);
  if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
  const whole = wholeReference(node);
  return whole === undefined ? interpolate(node, scope, stack) : lookUp(whole, node.at, scope, stack);
}

function resolveMap(node: MapNode, scope: ReferenceScope, stack: readonly string[]): LocatedNode {
  const own = withoutKeys(node, EXTENDS);
  const entries = new Map(
    [...own.entries].map(([key, entry]) => [key, { ...entry, node: resolveNode(entry.node, scope, stack) }] as const),
  );
  let merged: LocatedNode = { ...own, entries };
  const base = childOf(node, 'extends');
  if (base === undefined) return merged;
  for (const item of base.kind === 'list' ? [...base.items].reverse() : [base]) {
    if (wholeReference(item) === undefined) {
      scope.problems.add(item.at, '"extends" inside a mapping must be a reference', `for example extends: \${model}`);
      continue;
    }
    const target = resolveNode(item, scope, stack);
    if (target.kind === 'map') merged = { ...mergeNodes(target, merged), at: node.at };
    else if (target.kind === 'list' || !(target.invalid ?? false)) {
      scope.problems.add(item.at, '"extends" inside a mapping must refer to a mapping');
    }
  }
  return merged;
}

function interpolate(node: ScalarNode, scope: ReferenceScope, stack: readonly string[]): ScalarNode {
  const text = node.value as string;
  let invalid = node.invalid ?? false;
  if (text.replace(REFERENCE, '').includes('${')) {
    scope.problems.add(
      node.at,
      `the reference in ${JSON.stringify(text)} is not closed`,
      `write \${name}, or $\${ for the characters`,
    );
    return { ...node, invalid: true };
  }
  let fromHere = node.fromHere ?? false;
  const value = text.replace(REFERENCE, (match: string, expression: string | undefined, offset: number) => {
    if (expression === undefined) return '${';
    const target = lookUp(expression.trim(), node.at, scope, stack);
    if (target.kind === 'scalar' && !target.isStep) {
      invalid ||= target.invalid ?? false;
      if (offset === 0) fromHere ||= target.fromHere ?? false;
      return target.text ?? String(target.value ?? '');
    }
    scope.problems.add(node.at, `${match} cannot be written into a longer text`, 'only single values can');
    invalid = true;
    return '';
  });
  return { ...node, value, invalid, fromHere };
}

function lookUp(expression: string, at: SourceLocation, scope: ReferenceScope, stack: readonly string[]): LocatedNode {
  const invalid: ScalarNode = { kind: 'scalar', value: null, at, invalid: true };
  if (stack.includes(expression)) {
    const members = stack.slice(stack.indexOf(expression));
    const identity = [...members].sort().join(' ');
    if (!scope.circles.has(identity)) {
      const circle = [...members, expression].map((name) => `\${${name}}`).join(' -> ');
      scope.problems.add(at, `a value refers to itself: ${circle}`);
    }
    scope.circles.add(identity);
    return invalid;
  }
  const [first = '', ...rest] = expression.split('.');
  if (first === 'env') return environment(expression.slice('env.'.length), at, scope) ?? invalid;
  if (first === 'matrix') {
    if (scope.matrix === undefined) return { kind: 'scalar', value: `\${${expression}}`, at };
    const [axis = ''] = rest;
    const value = rest.length === 1 && Object.hasOwn(scope.matrix, axis) ? scope.matrix[axis] : undefined;
    if (value !== undefined) return value;
    const axes = Object.keys(scope.matrix);
    const hint = axes.length === 0 ? 'this step has no matrix' : `axes of this step: ${axes.join(', ')}`;
    scope.problems.add(at, `dangling reference \${${expression}}`, hint);
    return invalid;
  }
  if (rest.length === 0 && scope.stepIds.has(first)) return { kind: 'scalar', value: first, at, isStep: true };
  return topLevel(expression, at, scope, stack) ?? invalid;
}

function environment(expression: string, at: SourceLocation, scope: ReferenceScope): LocatedNode | undefined {
  const split = expression.indexOf(':-');
  const name = split < 0 ? expression : expression.slice(0, split);
  const set = Object.hasOwn(scope.env, name) ? scope.env[name] : undefined;
  if (set !== undefined && set !== '') return parseYamlValue(set, at);
  if (split >= 0) {
    const text = expression.slice(split + 2);
    const node = parseYamlValue(text, at);
    // A fallback is written in the file, so a relative path in it is relative to the file.
    return node.kind === 'scalar' ? { ...node, fromHere: false } : node;
  }
  const hint = `set it, or write a fallback: \${env.${name}:-value}`;
  scope.problems.add(at, `the environment variable ${name} is not set`, hint);
  return undefined;
}

function topLevel(
  expression: string,
  at: SourceLocation,
  scope: ReferenceScope,
  stack: readonly string[],
): LocatedNode | undefined {
  const inner = [...stack, expression];
  let node: LocatedNode = scope.root;
  const path = expression.split('.');
  for (const [index, key] of path.entries()) {
    let next = childOf(node, key);
    if (next === undefined && (wholeReference(node) !== undefined || childOf(node, 'extends') !== undefined)) {
      // What is sought may come in through a reference or `extends` on the way.
      node = resolveNode(node, scope, inner);
      next = childOf(node, key);
    }
    if (next === undefined) {
      if (scope.problems.truncated || (node.kind === 'scalar' && node.invalid)) return undefined;
      const known = node.kind === 'map' ? [...node.entries.keys()] : [];
      const names = index === 0 ? [...known, ...scope.stepIds] : known;
      const nearest = nearestName(key, names);
      const where = index === 0 ? 'known' : `"${path.slice(0, index).join('.')}" has`;
      const list = names.length === 0 ? 'nothing is known there' : `${where}: ${names.sort().join(', ')}`;
      const hint =
        nearest === undefined ? list : `did you mean "${[...path.slice(0, index), nearest].join('.')}"? ${list}`;
      scope.problems.add(at, `dangling reference \${${expression}}`, hint);
      return undefined;
    }
    node = next;
  }
  return resolveNode(node, scope, inner);
}
