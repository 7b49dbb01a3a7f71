/** Files with known checksums: their names in recipes, where they lie or are served, and whether they are what they should be. */
import { stat } from 'node:fs/promises';
import { z } from 'zod';
import { type Checksum, differenceFrom } from './checksum.js';
import { UserError } from './errors.js';
import type { StepProblem } from './step.js';

/** A path inside a folder or an archive: it cannot lead out of it. */
export const fileName = z
  .string()
  .regex(
    /^(?!\/)(?!.*(^|\/)\.\.?(\/|$))[^\\?#]+$/,
    'expected a relative path with / between folders, without . and ..',
  );

export const sha256Option = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected a SHA-256: 64 hexadecimal digits in lower case');

export const md5Option = z.string().regex(/^[0-9a-f]{32}$/, 'expected an MD5: 32 hexadecimal digits in lower case');

/** What is wrong with an address as the value of an option, if anything. */
export function addressProblem(path: (string | number)[], address: string): StepProblem[] {
  if (/^https?:\/\//.test(address) && URL.canParse(address)) return [];
  return [
    {
      path,
      message: `"${address}" is no http or https address`,
      hint: 'for instance https://example.org/data',
    },
  ];
}

/** Address of a file below a mirror's. */
export function addressBelow(mirror: string, name: string): string {
  return `${mirror.replace(/\/+$/, '')}/${name.split('/').map(encodeURIComponent).join('/')}`;
}

/** Whether there is a folder at a path. */
export async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Whether there is a file at a path. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** What is wrong with a file that should have a content, if anything. */
export async function problemWith(path: string, expected: string | Checksum): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return `${path} is not a file`;
    const problem = await differenceFrom(typeof expected === 'string' ? { sha256: expected } : expected, path);
    return problem === undefined ? undefined : `${path} has another content than expected: ${problem}`;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? `no such file: ${path}`
      : `cannot read ${path}: ${(error as Error).message}`;
  }
}
