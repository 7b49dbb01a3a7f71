/** A component's options as rows of a table, for `t2r describe`. */
import type { Component } from './component.js';
import { optionsJsonSchema, STEP_ID_DEFINITION } from './json-schema.js';

export interface OptionRow {
  /** Name, with dots for options inside options. */
  option: string;
  /** For readers: `number >= 1`, `one of a, b`, `step`, `attention component`. */
  type: string;
  required: boolean;
  /** The default as JSON; absent when there is none. */
  default?: string;
  description: string;
}

type JsonSchema = Record<string, unknown>;

/** Describes every option of a component, nested mappings included. */
export function describeComponent(component: Component): OptionRow[] {
  return rowsOf(optionsJsonSchema(component), '');
}

function rowsOf(schema: JsonSchema, prefix: string): OptionRow[] {
  const required = (schema.required ?? []) as string[];
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).flatMap(([name, property]) => {
    const row: OptionRow = {
      option: prefix + name,
      type: typeOf(property),
      required: required.includes(name),
      ...(property.default === undefined ? {} : { default: JSON.stringify(property.default) }),
      description: typeof property.description === 'string' ? property.description : '',
    };
    return [row, ...rowsOf(property, `${prefix}${name}.`)];
  });
}

function typeOf(schema: JsonSchema): string {
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.slice('#/$defs/'.length);
    return name === STEP_ID_DEFINITION ? 'step' : `${name} component`;
  }
  if (Array.isArray(schema.enum)) return `one of ${schema.enum.map(String).join(', ')}`;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const alternatives = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined;
  if (alternatives !== undefined) return alternatives.map(typeOf).join(' or ');
  if (schema.type === 'array') return `list of ${typeOf((schema.items ?? {}) as JsonSchema)}`;
  if (schema.type === 'object') return 'mapping';
  if (schema.type === 'number' || schema.type === 'integer') return numberType(schema);
  const types = [schema.type].flat().filter((type) => typeof type === 'string');
  return types.length > 0 ? types.join(' or ') : 'any value';
}

function numberType(schema: JsonSchema): string {
  const limit = (key: string, sign: string) => {
    const bound = schema[key];
    return typeof bound === 'number' && Math.abs(bound) < Number.MAX_SAFE_INTEGER ? [`${sign} ${bound}`] : [];
  };
  const bounds = [
    ...limit('minimum', '>='),
    ...limit('exclusiveMinimum', '>'),
    ...limit('maximum', '<='),
    ...limit('exclusiveMaximum', '<'),
  ];
  return [schema.type === 'integer' ? 'whole number' : 'number', bounds.join(', ')].filter(Boolean).join(' ');
}
