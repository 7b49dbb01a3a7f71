/**
 * What a plugin is made of. A plugin package default-exports `definePlugin({ name, version, components })`;
 * importing it changes nothing global. A component is `{ kind, name, schema, create }`.
 */
import type { z } from 'zod';
import type { Step } from './step.js';

/**
 * Component kinds and what `create` returns for each. Packages add their kinds by declaration merging:
 * `declare module '@t2r/core' { interface ComponentKinds { attention: Attention } }`.
 */
export interface ComponentKinds {
  step: Step;
}

export type ComponentKind = keyof ComponentKinds & string;

/** `{ use: name, ...options }`, as a recipe writes it. */
export interface ComponentSpec {
  use: string;
  [option: string]: unknown;
}

export interface Component<K extends ComponentKind = ComponentKind, S extends z.ZodObject = z.ZodObject> {
  kind: K;
  /** The name recipes use: `t2r-mlp`, `train/lm`. */
  name: string;
  /** One line for `t2r list`. */
  description: string;
  /** Changes whenever the same options would give another result; enters the keys of step results. Default '1'. */
  version?: string;
  /** A zod object with a description on every field. Unknown keys are errors. */
  schema: S;
  /** Builds the product from validated options (defaults filled in, `use` removed). */
  create(options: z.output<S>, context: CreateContext): ComponentKinds[K];
}

/** Lets a component build the components nested in its options. */
export interface CreateContext {
  create<K extends ComponentKind>(kind: K, spec: ComponentSpec | string): ComponentKinds[K];
}

export interface Plugin {
  name: string;
  components: readonly Component[];
}

/** Declares a plugin. The identity function: it only checks the type. */
export function definePlugin(plugin: Plugin): Plugin {
  return plugin;
}

/** Declares a component with the type of its options inferred from its schema. */
export function defineComponent<K extends ComponentKind, S extends z.ZodObject>(component: Component<K, S>): Component {
  // A registry holds components of every kind and schema; what `create` is given has passed `schema` first.
  return component as unknown as Component;
}
