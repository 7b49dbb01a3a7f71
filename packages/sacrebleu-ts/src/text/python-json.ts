/** JSON as Python's `json.dumps` lays it out: floats keep their point, nesting is indented. */
import { floatRepr } from './python-number.js';

/** A number that is printed as a float, `27.0` and not `27`. */
export class Float {
  constructor(readonly value: number) {}
}

export type JsonValue = string | Float | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface JsonOptions {
  /** Spaces an inner level is indented by. */
  indent: number;
  /** Write characters outside ASCII as `\uXXXX`. */
  asciiOnly?: boolean;
}

/** Serializes a value; keys keep their order. */
export function toPythonJson(value: JsonValue, { indent, asciiOnly = false }: JsonOptions): string {
  return write(value, '\n');

  function write(item: JsonValue, newline: string): string {
    if (item === null) return 'null';
    if (typeof item === 'string') return quote(item);
    if (item instanceof Float) return floatRepr(item.value);
    const inner = newline + ' '.repeat(indent);
    const isList = Array.isArray(item);
    const parts = isList
      ? (item as readonly JsonValue[]).map((each) => write(each, inner))
      : Object.entries(item).map(([key, each]) => `${quote(key)}: ${write(each, inner)}`);
    const [open, close] = isList ? '[]' : '{}';
    return parts.length === 0 ? `${open}${close}` : `${open}${inner}${parts.join(`,${inner}`)}${newline}${close}`;
  }

  function quote(text: string): string {
    const quoted = JSON.stringify(text);
    if (!asciiOnly) return quoted;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII, unit by unit
    return quoted.replace(/[^\x00-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
  }
}
