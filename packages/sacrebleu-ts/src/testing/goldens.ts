/** Fixtures that Python's sacreBLEU has answered, and what makes our answers comparable with them. */
import { readFileSync } from 'node:fs';

/** A fixture by its name. */
export const readFixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/${name}`, import.meta.url), 'utf8'));

export type Options = Record<string, unknown>;

/** `smooth_method` becomes `smoothMethod`. */
export const camelCase = (options: Options): Options =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [key.replace(/_(.)/g, (_, letter) => letter.toUpperCase()), value]),
  );

/** Signatures and JSON without the version, which differs. */
export const withoutVersion = (text: string) =>
  text.replace(/\b(version|v):[-\w.]+/g, '$1:').replace(/"(version|v)": "[-\w.]+"/g, '"$1": ""');

/** An answer without versions in its strings. */
export function comparable(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer), (_, value) => (typeof value === 'string' ? withoutVersion(value) : value));
}
