/** JSON Schema (draft 2020-12) of recipes, from the components' schemas, for editors that complete and check YAML. */
import { z } from 'zod';
import type { Component } from './component.js';
import { COMPONENT_META, NOT_IN_KEY_META, PATH_META, STEP_REF_META } from './options.js';
import type { Registry } from './registry.js';

type JsonSchema = Record<string, unknown>;

/** Definition that step references point to. */
export const STEP_ID_DEFINITION = 'stepId';

const INTERNAL_KEYS = [COMPONENT_META, STEP_REF_META, PATH_META, NOT_IN_KEY_META];
const REFERENCE: JsonSchema = { $ref: '#/$defs/reference' };

/** The JSON Schema of a component's options as a recipe writes them; nested components point to `#/$defs/<kind>`. */
export function optionsJsonSchema(component: Component): JsonSchema {
  const schema = z.toJSONSchema(component.schema, {
    io: 'input',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const node = jsonSchema as JsonSchema;
      const { description } = node;
      if (typeof node[COMPONENT_META] === 'string') {
        replaceWith(node, { $ref: `#/$defs/${node[COMPONENT_META]}`, description });
      } else if (Array.isArray(node[STEP_REF_META])) {
        const kinds = `A step that makes: ${node[STEP_REF_META].join(', ')}.`;
        replaceWith(node, {
          $ref: `#/$defs/${STEP_ID_DEFINITION}`,
          description: description === undefined ? kinds : `${description} ${kinds}`,
        });
      }
      for (const key of INTERNAL_KEYS) delete node[key];
    },
  }) as JsonSchema;
  delete schema.$schema;
  return schema;
}

function replaceWith(node: JsonSchema, replacement: JsonSchema): void {
  const { default: fallback } = node;
  for (const key of Object.keys(node)) delete node[key];
  Object.assign(node, replacement, fallback === undefined ? {} : { default: fallback });
  if (node.description === undefined) delete node.description;
}

/** Lets a `${reference}` stand for any option that is not a plain string already. */
function allowReferences(properties: Record<string, JsonSchema>): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      if (property.type === 'string' && property.enum === undefined) return [name, property];
      const { description, default: fallback, ...rest } = property;
      return [
        name,
        {
          ...(description === undefined ? {} : { description }),
          ...(fallback === undefined ? {} : { default: fallback }),
          anyOf: [rest, REFERENCE],
        },
      ];
    }),
  );
}

function componentSchema(component: Component, extra: Record<string, JsonSchema>): JsonSchema {
  const options = optionsJsonSchema(component);
  const properties = allowReferences((options.properties ?? {}) as Record<string, JsonSchema>);
  return {
    type: 'object',
    title: component.name,
    description: component.description,
    properties: { use: { const: component.name, description: component.description }, ...properties, ...extra },
    required: ['use', ...((options.required ?? []) as string[])],
    additionalProperties: false,
  };
}

const MERGED: JsonSchema = {
  type: 'object',
  description: 'Other keys are merged over what is referred to.',
  properties: { extends: { anyOf: [REFERENCE, { type: 'array', items: REFERENCE }] } },
  required: ['extends'],
};

/** One, or several in a list. */
const oneOrMore = (schema: JsonSchema, description: string): JsonSchema => ({
  anyOf: [schema, { type: 'array', items: schema, minItems: 1 }],
  description,
});

const DISTANCE: JsonSchema[] = [
  { type: 'number', minimum: 0 },
  { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?\\s*%$' },
];

const CONDITION: JsonSchema = {
  type: 'object',
  properties: {
    at_most: { type: 'number', description: 'Largest value allowed.' },
    at_least: { type: 'number', description: 'Smallest value allowed.' },
    equals: { type: 'number', description: 'Value expected, up to the tolerance.' },
    tolerance: { anyOf: DISTANCE, description: 'With `equals`: absolute, or relative such as 3%.' },
    within: { anyOf: DISTANCE, description: 'Largest distance from `of`: absolute, or relative such as 3%.' },
    of: oneOrMore({ type: 'string' }, 'With `within`: a metric of the same step.'),
    less_than_metric: oneOrMore({ type: 'string' }, 'A metric of the same step that must be larger.'),
    more_than_metric: oneOrMore({ type: 'string' }, 'A metric of the same step that must be smaller.'),
    at_most_times: oneOrMore(
      {
        type: 'object',
        properties: { metric: { type: 'string' }, factor: { type: 'number' } },
        required: ['metric', 'factor'],
        additionalProperties: false,
      },
      'At most a factor times another metric of the same step.',
    ),
  },
  additionalProperties: false,
};

const STEP_EXTRAS: Record<string, JsonSchema> = {
  matrix: {
    type: 'object',
    description: 'Runs the step once for every combination of the values of its axes.',
    additionalProperties: { anyOf: [{ type: 'array', minItems: 1 }, { type: 'object', minProperties: 1 }, REFERENCE] },
  },
  exclude: {
    type: 'array',
    description: 'Combinations of the matrix to leave out.',
    items: { type: 'object' },
  },
  expect: {
    type: 'object',
    description: 'What metrics must satisfy; a miss is a failed run.',
    additionalProperties: CONDITION,
  },
};

/** The JSON Schema of recipes that use a registry's components. */
export function recipeJsonSchema(registry: Registry): JsonSchema {
  const kinds = [...new Set(registry.list().map((component) => component.kind as string))].sort();
  const definitions: Record<string, JsonSchema> = {
    [STEP_ID_DEFINITION]: { type: 'string', description: 'The id of a step.' },
    reference: { type: 'string', pattern: '\\$\\{', description: `A \${reference} to another value or step.` },
  };
  for (const kind of kinds) {
    const components = registry.list(kind);
    const extra = kind === 'step' ? STEP_EXTRAS : {};
    const byName = kind === 'step' ? [] : [{ enum: components.map((component) => component.name) }];
    definitions[kind] = {
      anyOf: [...components.map((component) => componentSchema(component, extra)), MERGED, ...byName, REFERENCE],
    };
  }
  const known = (kind: string): JsonSchema => (kinds.includes(kind) ? { $ref: `#/$defs/${kind}` } : {});
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'T2R recipe',
    type: 'object',
    properties: {
      name: {
        type: 'string',
        description: 'Results are kept under runs/<name>.',
        pattern: '^[A-Za-z0-9][A-Za-z0-9._-]*$',
      },
      description: { type: 'string', description: 'What the recipe shows.' },
      extends: {
        description: 'Recipe files whose keys this one adds to or overrides, relative to this file.',
        anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
      },
      plugins: {
        type: 'array',
        items: { type: 'string' },
        description: 'More plugins: npm names, or paths relative to this file.',
      },
      seed: { type: 'integer', minimum: 0, default: 1, description: 'Everything random in the run follows from it.' },
      engine: { ...known('engine'), description: 'What computes tensors.', default: { use: 'onnx' } },
      steps: {
        type: 'object',
        description: 'Steps by id; references between them give the order.',
        propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9_-]*$' },
        additionalProperties: known('step'),
      },
      model: { description: `A fragment to refer to as \${model}.` },
      attention: { description: `A fragment to refer to as \${attention}.` },
      data: { description: `A fragment to refer to as \${data}.` },
      optimizer: { description: `A fragment to refer to as \${optimizer}.` },
      schedule: { description: `A fragment to refer to as \${schedule}.` },
      vars: { type: 'object', description: `Values to refer to as \${vars.name}.` },
    },
    additionalProperties: false,
    $defs: definitions,
  };
}
