/** Zod's issues in the words of a recipe: what is wrong with an option, and what is allowed. */
import { z } from 'zod';
import { knownNamesHint, nearestName } from './nearest.js';
import { definition, shapeOf, viewSchema } from './schema.js';

export interface DescribedIssue {
  /** Path of the option in the component's options. */
  path: PropertyKey[];
  message: string;
  hint?: string;
  /** True when the key itself is the mistake and not its value. */
  atKey?: boolean;
  /** Set when a required option is missing. */
  missing?: boolean;
  /** For an unknown option: the known one that was probably meant. */
  meant?: string;
}

/** A value as it would stand in a recipe, shortened. */
export function showValue(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (typeof value === 'boolean') return `the boolean ${value}`;
  return `the ${typeof value} ${showValue(value)}`;
}

const EXPECTED: Record<string, string> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a string',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  tuple: 'a list',
};

function expectedType(expected: string, field: z.ZodType | undefined): string {
  const core = field === undefined ? undefined : viewSchema(field).core;
  const whole = expected === 'number' && core instanceof z.ZodNumber && core.isInt;
  return EXPECTED[whole ? 'int' : expected] ?? expected;
}

/** The schema at a path inside an object schema, as far as it can be followed. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let current: z.ZodType | undefined = schema;
  for (const key of path) {
    if (current === undefined) return undefined;
    const def = definition(viewSchema(current).core);
    if (def.type === 'object') current = def.shape[String(key)];
    else if (def.type === 'array') current = def.element;
    else if (def.type === 'record') current = def.valueType;
    else return undefined;
  }
  return current;
}

const dotted = (path: readonly PropertyKey[]) => path.map(String).join('.');

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}

/**
 * Describes what zod found wrong. A required option that is missing because its name is misspelt is said once, at the
 * misspelt name.
 */
export function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  root?: unknown,
): DescribedIssue[] {
  const described = issues.flatMap((issue) => describeIssue(issue, schema, root));
  const meant = new Set(
    described.flatMap((issue) =>
      issue.meant === undefined ? [] : [dotted([...issue.path.slice(0, -1), issue.meant])],
    ),
  );
  return described.filter((issue) => !issue.missing || !meant.has(dotted(issue.path)));
}

/**
 * Describes one issue; unknown keys give one description each.
 * @param root - The validated input, for values that the issue does not carry.
 */
function describeIssue(issue: z.core.$ZodIssue, schema: z.ZodType, root?: unknown): DescribedIssue[] {
  const { path } = issue;
  const name = path.length === 0 ? 'the options' : `option "${dotted(path)}"`;
  const field = schemaAt(schema, path);
  const hint = field === undefined ? undefined : viewSchema(field).description;
  const input = issue.input === undefined ? valueAt(root, path) : issue.input;
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = Object.keys(shapeOf(field ?? schema));
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `unknown option "${dotted([...path, key])}"`,
        hint: knownNamesHint(key, known, 'options'),
        atKey: true,
        meant: nearestName(key, known),
      }));
    }
    case 'invalid_type':
      if (input === undefined) return [{ path, message: `missing required ${name}`, hint, missing: true }];
      return [
        {
          path,
          message: `${name} must be ${expectedType(issue.expected, field)}, not ${typeName(input)}`,
          hint,
        },
      ];
    case 'invalid_value': {
      if (input === undefined) return [{ path, message: `missing required ${name}`, hint, missing: true }];
      const values = issue.values.map(String);
      const nearest = typeof input === 'string' ? nearestName(input, values) : undefined;
      return [
        {
          path,
          message: `${name} must be one of ${values.join(', ')}, not ${showValue(input)}`,
          hint: nearest === undefined ? hint : `did you mean "${nearest}"?`,
        },
      ];
    }
    case 'too_small':
    case 'too_big': {
      const small = issue.code === 'too_small';
      const limit = String(small ? issue.minimum : issue.maximum);
      const bound = issue.inclusive === false ? (small ? 'more than' : 'less than') : small ? 'at least' : 'at most';
      const isNumber = typeof input === 'number';
      const unit = isNumber ? '' : typeof input === 'string' ? ' characters' : ' entries';
      const given = isNumber ? `, not ${input}` : '';
      return [{ path, message: `${name} must ${isNumber ? 'be' : 'have'} ${bound} ${limit}${unit}${given}`, hint }];
    }
    case 'invalid_union': {
      if (input === undefined) return [{ path, message: `missing required ${name}`, hint, missing: true }];
      // The branch that failed deepest is the one the user meant.
      const branches = issue.errors.map((errors) =>
        errors.flatMap((error) => describeIssue({ ...error, path: [...path, ...error.path] }, schema, root)),
      );
      const deepest = branches.find((branch) => branch.some((error) => error.path.length > path.length));
      if (deepest !== undefined) return deepest;
      const messages = [...new Set(branches.flat().map((error) => error.message.replace(`${name} must `, '')))];
      return [{ path, message: `${name} must ${messages.join(', or ')}`, hint }];
    }
    default:
      return [{ path, message: `${name}${issue.message.startsWith('must ') ? '' : ':'} ${issue.message}`, hint }];
  }
}
