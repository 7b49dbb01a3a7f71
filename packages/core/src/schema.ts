/** Looking into zod schemas: what lies under the wrappers, and what the helpers of options.ts marked. */
import type { z } from 'zod';
import { COMPONENT_META, NOT_IN_KEY_META, PATH_META, STEP_REF_META } from './options.js';
import type { ArtifactKind } from './step.js';

/** A schema without its wrappers (optional, default, nullable, ...) and what stands in the metadata of any layer. */
export interface SchemaView {
  core: z.ZodType;
  description?: string;
  /** Kind of nested component, when it is one. */
  component?: string;
  /** Kinds of artifact, when it is a step reference. */
  stepRef?: ArtifactKind[];
  path: boolean;
  notInKey: boolean;
  /** True when the value may be left out. */
  optional: boolean;
  /** The default, when there is one. */
  default?: unknown;
}

/** Definitions of the schemas this module looks into, as zod lays them out. */
type Def =
  | { type: 'optional' | 'nullable' | 'readonly' | 'catch' | 'nonoptional'; innerType: z.ZodType }
  | { type: 'default' | 'prefault'; innerType: z.ZodType; defaultValue: unknown }
  | { type: 'lazy'; getter: () => z.ZodType }
  | { type: 'pipe'; in: z.ZodType; out: z.ZodType }
  | { type: 'object'; shape: Record<string, z.ZodType> }
  | { type: 'array'; element: z.ZodType }
  | { type: 'record'; valueType: z.ZodType }
  | { type: 'union'; options: z.ZodType[] }
  | { type: 'tuple'; items: z.ZodType[] }
  | { type: 'transform' | 'string' | 'number' | 'boolean' | 'null' | 'undefined' };

/** The definition of a schema; types not listed in `Def` come out as plain leaves. */
export function definition(schema: z.ZodType): Def {
  return schema.def as unknown as Def;
}

/** Unwraps a schema. */
export function viewSchema(schema: z.ZodType): SchemaView {
  const view: SchemaView = { core: schema, path: false, notInKey: false, optional: false };
  for (let layer: z.ZodType | undefined = schema; layer !== undefined; ) {
    const meta: Record<string, unknown> = layer.meta() ?? {};
    view.description ??= meta.description as string | undefined;
    view.component ??= meta[COMPONENT_META] as string | undefined;
    view.stepRef ??= meta[STEP_REF_META] as ArtifactKind[] | undefined;
    view.path ||= meta[PATH_META] === true;
    view.notInKey ||= meta[NOT_IN_KEY_META] === true;
    view.core = layer;
    const def = definition(layer);
    switch (def.type) {
      case 'optional':
        view.optional = true;
        layer = def.innerType;
        break;
      case 'default':
      case 'prefault':
        view.optional = true;
        view.default ??= def.defaultValue;
        layer = def.innerType;
        break;
      case 'nullable':
      case 'readonly':
      case 'catch':
      case 'nonoptional':
        layer = def.innerType;
        break;
      case 'lazy':
        layer = def.getter();
        break;
      case 'pipe':
        // What the user writes is the input side, unless that side is itself only a function (z.preprocess).
        layer = definition(def.in).type === 'transform' ? def.out : def.in;
        break;
      default:
        layer = undefined;
    }
  }
  return view;
}

/** The fields of an object schema. */
export function shapeOf(schema: z.ZodType): Record<string, z.ZodType> {
  const def = definition(viewSchema(schema).core);
  return def.type === 'object' ? def.shape : {};
}

/** True when a nested component may stand somewhere in a value of this schema. */
export function holdsComponent(schema: z.ZodType): boolean {
  const view = viewSchema(schema);
  if (view.component !== undefined) return true;
  const def = definition(view.core);
  switch (def.type) {
    case 'object':
      return view.stepRef === undefined && Object.values(def.shape).some(holdsComponent);
    case 'array':
      return holdsComponent(def.element);
    case 'record':
      return holdsComponent(def.valueType);
    case 'union':
      return def.options.some(holdsComponent);
    default:
      return false;
  }
}

/** True when a step reference may stand directly here: the schema itself or one of a union's options. */
export function holdsStepRef(schema: z.ZodType): boolean {
  const view = viewSchema(schema);
  if (view.stepRef !== undefined) return true;
  const def = definition(view.core);
  return def.type === 'union' && def.options.some(holdsStepRef);
}
