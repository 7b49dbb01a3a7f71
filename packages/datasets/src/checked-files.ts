/** Files with known checksums: their names in recipes, where they lie or are served, and whether they are what they should be. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { hashFile, type StepProblem, UserError } from '@t2r/core';
import { z } from 'zod';

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

/** What a file's content is known by; old archives have published an MD5 only. Nothing: any content will do. */
export interface Checksums {
  sha256?: string;
  md5?: string;
}

/** How the content of a file differs from what is expected, if it does. @throws UserError where it cannot be read. */
export async function contentProblem(path: string, { sha256, md5 }: Checksums): Promise<string | undefined> {
  if (sha256 !== undefined) {
    const found = await hashFile(path);
    if (found !== sha256) return `SHA-256 ${found} instead of ${sha256}`;
  } else if (md5 !== undefined) {
    const hash = createHash('md5');
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
    const found = hash.digest('hex');
    if (found !== md5) return `MD5 ${found} instead of ${md5}`;
  }
  return undefined;
}

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
export async function problemWith(path: string, expected: string | Checksums): Promise<string | undefined> {
  try {
    if (!(await stat(path)).isFile()) return `${path} is not a file`;
    const problem = await contentProblem(path, typeof expected === 'string' ? { sha256: expected } : expected);
    return problem === undefined ? undefined : `${path} has another content than expected: ${problem}`;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    return (error as NodeJS.ErrnoException).code === 'ENOENT'
      ? `no such file: ${path}`
      : `cannot read ${path}: ${(error as Error).message}`;
  }
}
