/**
 * Reads a component's options from located nodes: nested components are validated against the registry and their
 * defaults filled in, names of steps become references, paths become absolute, and then the component's own schema judges
 * the whole. Every problem is reported at the place it was written.
 */
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { z } from 'zod';
import type { Component } from '../component.js';
import { type SourceLocation, UserError } from '../errors.js';
import { describeIssues, showValue } from '../issues.js';
import { createContext, type Registry, unknownComponentHint } from '../registry.js';
import { definition, holdsComponent, holdsStepRef, viewSchema } from '../schema.js';
import type { ArtifactKind } from '../step.js';
import { childOf, fromValue, type LocatedNode, locate, type MapNode, toValue, withoutKeys } from './located.js';
import { ProblemList } from './problem.js';

/** How a reference to a step is looked up. */
export interface BindScope {
  registry: Registry;
  problems: ProblemList;
  /**
   * Ids of the steps meant by `name`: one, or in a list all cells of a matrix. Reports what it cannot find and returns
   * undefined then.
   */
  step(
    name: string,
    use: { at: SourceLocation; kinds: readonly ArtifactKind[]; inList: boolean },
  ): string[] | undefined;
}

type Path = readonly PropertyKey[];

/** A component and its validated options. */
export interface BoundComponent {
  component: Component;
  options: Record<string, unknown>;
}

const USE = new Set(['use']);

/**
 * Validates a `{ use: name, ...options }` node of a kind.
 * @returns Undefined when anything in it was reported.
 */
export function bindComponent(kind: string, node: LocatedNode, scope: BindScope): BoundComponent | undefined {
  const { problems, registry } = scope;
  const spec: LocatedNode =
    node.kind === 'scalar' && typeof node.value === 'string' && !node.isStep
      ? { kind: 'map', entries: new Map([['use', { key: node.at, node }]]), at: node.at }
      : node;
  if (spec.kind !== 'map') {
    if (!(spec.kind === 'scalar' && spec.invalid)) {
      problems.add(node.at, `a ${kind} must be a mapping with "use", not ${showValue(toValue(node))}`);
    }
    return undefined;
  }
  const use = childOf(spec, 'use');
  if (use?.kind !== 'scalar' || typeof use.value !== 'string') {
    if (!(use?.kind === 'scalar' && use.invalid)) {
      problems.add(
        use?.at ?? spec.at,
        `missing "use", the name of a ${kind}`,
        unknownComponentHint(registry, kind, ''),
      );
    }
    return undefined;
  }
  if (use.invalid) return undefined;
  const component = registry.get(kind, use.value);
  if (component === undefined) {
    problems.add(use.at, `unknown ${kind} "${use.value}"`, unknownComponentHint(registry, kind, use.value));
    return undefined;
  }
  const options = bindOptions(component, withoutKeys(spec, USE), scope);
  return options === undefined ? undefined : { component, options };
}

function bindOptions(component: Component, node: MapNode, scope: BindScope): Record<string, unknown> | undefined {
  const before = scope.problems.reports;
  const binder = new Binder(node, scope);
  const input = binder.bind(component.schema, node, []);
  const parsed = component.schema.safeParse(input, { reportInput: true });
  if (!parsed.success) {
    for (const issue of describeIssues(parsed.error.issues, component.schema, input)) {
      if (binder.isReported(issue.path)) continue;
      scope.problems.add(locate(node, issue.path, issue.atKey), issue.message, issue.hint);
    }
  }
  return parsed.success && scope.problems.reports === before ? parsed.data : undefined;
}

/** Turns nodes into what a component's schema expects, remembering where problems have been reported already. */
class Binder {
  readonly #reported: Path[] = [];

  constructor(
    readonly root: MapNode,
    readonly scope: BindScope,
  ) {}

  /** True when a problem at or above this path has been reported, so that the schema's complaint adds nothing. */
  isReported(path: Path): boolean {
    return this.#reported.some((reported) => reported.every((key, index) => key === path[index]));
  }

  bind(schema: z.ZodType, node: LocatedNode, path: Path): unknown {
    const view = viewSchema(schema);
    if (node.kind === 'scalar' && node.invalid) return this.#fail(path);
    if (view.component !== undefined) return this.#component(view.component, node, path);
    if (view.stepRef !== undefined) {
      const ids = this.#steps(view.stepRef, node, path, false);
      return ids === undefined ? undefined : { step: ids[0] };
    }
    const def = definition(view.core);
    if (def.type === 'union') return this.#union(def.options, node, path);
    if (node.kind === 'scalar') {
      if (node.isStep) {
        const message = `the step "${String(node.value)}" cannot stand here`;
        return this.#fail(path, node.at, message, view.description);
      }
      if (def.type === 'string' && node.text !== undefined && node.value !== null) {
        return view.path ? this.#path(node.text, node) : node.text;
      }
      return view.path && typeof node.value === 'string' ? this.#path(node.value, node) : node.value;
    }
    if (node.kind === 'list') {
      if (def.type === 'array') return this.#list(def.element, node.items, path);
      if (def.type === 'tuple') {
        return node.items.map((item, i) =>
          def.items[i] ? this.bind(def.items[i], item, [...path, i]) : toValue(item),
        );
      }
      return toValue(node);
    }
    if (def.type === 'object') return this.#object(def.shape, node, path);
    if (def.type === 'record') {
      return mapEntries(node, (key, item) => this.bind(def.valueType, item, [...path, key]));
    }
    return toValue(node);
  }

  #fail(path: Path, at?: SourceLocation, message?: string, hint?: string): undefined {
    if (at !== undefined && message !== undefined) this.scope.problems.add(at, message, hint);
    this.#reported.push(path);
    return undefined;
  }

  #object(shape: Record<string, z.ZodType>, node: MapNode, path: Path): unknown {
    const value = mapEntries(node, (key, item) => {
      const field = Object.hasOwn(shape, key) ? shape[key] : undefined;
      return field === undefined ? toValue(item) : this.bind(field, item, [...path, key]);
    });
    for (const [key, field] of Object.entries(shape)) {
      // A default that names a component is completed like one that is written out.
      const fallback = viewSchema(field).default;
      if (fallback === undefined || node.entries.has(key) || !holdsComponent(field)) continue;
      value[key] = this.bind(field, fromValue(fallback, node.at), [...path, key]);
    }
    return value;
  }

  #list(element: z.ZodType, items: readonly LocatedNode[], path: Path): unknown[] {
    const kinds = viewSchema(element).stepRef;
    if (kinds === undefined) return items.map((item, i) => this.bind(element, item, [...path, i]));
    return items.flatMap((item, i) => {
      const ids =
        item.kind === 'scalar' && item.invalid ? this.#fail(path) : this.#steps(kinds, item, [...path, i], true);
      if (ids === undefined) this.#reported.push(path);
      return ids?.map((step) => ({ step })) ?? [];
    });
  }

  #component(kind: string, node: LocatedNode, path: Path): unknown {
    const before = this.scope.problems.reports;
    const bound = bindComponent(kind, node, this.scope);
    if (bound === undefined) return this.#fail(path);
    const { component, options } = bound;
    // Building it finds options that do not go together; components are cheap to build.
    reportErrors(this.scope.problems, node.at, () => component.create(options, createContext(this.scope.registry)));
    if (this.scope.problems.reports > before) return this.#fail(path);
    return { use: component.name, ...options };
  }

  #steps(kinds: ArtifactKind[], node: LocatedNode, path: Path, inList: boolean): string[] | undefined {
    if (node.kind !== 'scalar' || typeof node.value !== 'string') {
      const message = `must be the name of a step, not ${showValue(toValue(node))}`;
      return this.#fail(path, node.at, message, `a step that makes: ${kinds.join(', ')}`);
    }
    const ids = this.scope.step(node.value, { at: node.at, kinds, inList });
    return ids ?? this.#fail(path);
  }

  #union(options: readonly z.ZodType[], node: LocatedNode, path: Path): unknown {
    const isStep = node.kind === 'scalar' && node.isStep;
    // A step's name and a plain string look alike: the options that are not references are tried first.
    const ordered = [...options].sort((a, b) => Number(holdsStepRef(a)) - Number(holdsStepRef(b)));
    let deepest: { problems: ProblemList; option: z.ZodType } | undefined;
    for (const option of ordered) {
      if (isStep && !holdsStepRef(option)) continue;
      const problems = new ProblemList();
      const value = new Binder(this.root, { ...this.scope, problems }).bind(option, node, path);
      if (problems.reports === 0 && option.safeParse(value).success) return this.bind(option, node, path);
      if (problems.reports > 0 && (holdsStepRef(option) || node.kind !== 'scalar')) deepest ??= { problems, option };
    }
    // No option fits: say what is wrong inside the one that came nearest, or let the schema list all of them.
    if (deepest !== undefined) return this.bind(deepest.option, node, path);
    return toValue(node);
  }

  #path(text: string, node: LocatedNode & { kind: 'scalar' }): string {
    if (/^([a-z][a-z0-9+.-]+:\/\/|hf:)/i.test(text)) return text;
    if (text === '~' || text.startsWith('~/')) return join(homedir(), text.slice(1));
    if (isAbsolute(text)) return resolve(text);
    return resolve(node.fromHere ? '.' : dirname(node.at.file), text);
  }
}

function mapEntries(node: MapNode, change: (key: string, node: LocatedNode) => unknown): Record<string, unknown> {
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, change(key, entry.node)]));
}

/** Runs `build`; a UserError becomes a problem at `at` (or at its own place), anything else is ours and goes on. */
export function reportErrors<T>(problems: ProblemList, at: SourceLocation, build: () => T): T | undefined {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problems.add(error.location ?? at, error.message, error.hint);
    return undefined;
  }
}
