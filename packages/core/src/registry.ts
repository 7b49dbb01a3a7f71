/** The registry: every component of the loaded plugins by kind and name. Made per run; importing a plugin registers nothing. */
import type { Component, ComponentKind, ComponentKinds, ComponentSpec, CreateContext, Plugin } from './component.js';
import { type SourceLocation, UserError } from './errors.js';
import { describeIssues } from './issues.js';
import { knownNamesHint } from './nearest.js';

export interface Registry {
  /** The plugins it was made of. */
  readonly plugins: readonly Plugin[];
  /** The component, or undefined. */
  get(kind: string, name: string): Component | undefined;
  has(kind: string, name: string): boolean;
  /** All components, or those of one kind, sorted by kind and name. */
  list(kind?: string): Component[];
  /**
   * Builds a component from `{ use, ...options }` (or only its name) after validating the options with its schema.
   * @throws UserError for an unknown component, listing the known ones and the nearest, and for invalid options.
   */
  create<K extends ComponentKind>(kind: K, spec: ComponentSpec | string, location?: SourceLocation): ComponentKinds[K];
}

/** Hint for an unknown component of a kind. */
export function unknownComponentHint(registry: Registry, kind: string, name: string): string {
  const names = registry.list(kind).map((component) => component.name);
  return knownNamesHint(name, names, `${kind} components`);
}

/** Builds the registry of some plugins. @throws UserError where two of them have a component of the same kind and name. */
export function createRegistry(plugins: readonly Plugin[]): Registry {
  const byKind = new Map<string, Map<string, Component>>();
  const owners = new Map<Component, string>();
  for (const plugin of new Set(plugins)) {
    for (const component of plugin.components) {
      const names = byKind.get(component.kind) ?? new Map<string, Component>();
      byKind.set(component.kind, names);
      const earlier = names.get(component.name);
      if (earlier !== undefined) {
        throw new UserError(
          `plugins ${owners.get(earlier)} and ${plugin.name} both have a ${component.kind} named "${component.name}"`,
          { hint: 'Leave one of the plugins out, or rename one of the components.' },
        );
      }
      names.set(component.name, component);
      owners.set(component, plugin.name);
    }
  }

  const get = (kind: string, name: string) => byKind.get(kind)?.get(name);
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const registry: Registry = {
    plugins: [...new Set(plugins)],
    get,
    has: (kind, name) => get(kind, name) !== undefined,
    list: (kind) =>
      [...byKind.entries()]
        .filter(([known]) => kind === undefined || known === kind)
        .flatMap(([, names]) => [...names.values()])
        .sort((a, b) => compare(a.kind, b.kind) || compare(a.name, b.name)),
    create: (kind, spec, location) => {
      const { use, ...options } = typeof spec === 'string' ? { use: spec } : spec;
      const component = get(kind, use);
      if (component === undefined) {
        const hint = `${unknownComponentHint(registry, kind, use)}; a plugin that has it is named with --plugin, or under plugins: in a recipe`;
        throw new UserError(`unknown ${kind} "${use}"`, { location, hint });
      }
      const parsed = component.schema.safeParse(options, { reportInput: true });
      if (!parsed.success) {
        const problems = describeIssues(parsed.error.issues, component.schema);
        const [first] = problems;
        throw new UserError(`${kind} "${use}": ${problems.map((problem) => problem.message).join('; ')}`, {
          location,
          hint: first?.hint,
        });
      }
      return component.create(parsed.data, createContext(registry)) as ComponentKinds[typeof kind];
    },
  };
  return registry;
}

/** The context given to `create`: builds nested components through the registry. */
export function createContext(registry: Registry): CreateContext {
  return { create: (kind, spec) => registry.create(kind, spec) };
}
