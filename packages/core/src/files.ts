/** Writing files so that a reader never sees half of one: to a temporary name beside the target, then renamed. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UserError } from './errors.js';

/** What the user should do about a file system error, by its code. */
const HINTS: Record<string, string> = {
  EACCES: 'Check the permissions of the folder, or choose another with --runs.',
  EPERM: 'Check the permissions of the folder, or choose another with --runs.',
  EROFS: 'The file system is read-only; choose another folder with --runs.',
  ENOSPC: 'Free some space and run again: finished steps are kept.',
  EDQUOT: 'The disk quota is used up; free some space and run again: finished steps are kept.',
  EEXIST: 'A file stands where a folder is needed; move it away.',
  ENOTDIR: 'A file stands where a folder is needed; move it away.',
};

/** Turns a file system error on writing `path` into a UserError where the user can do something about it. */
export function explainWriteError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const hint = code === undefined ? undefined : HINTS[code];
  if (hint === undefined) return error;
  return new UserError(`cannot write ${path}: ${(error as Error).message}`, { hint, cause: error });
}

/**
 * Calls `write` with a temporary path beside `path` and renames it to `path` when it succeeds; removes it otherwise.
 * The data is flushed to disk before the rename, so that a crash leaves either the old file or the new one.
 */
export async function writeFileAtomicWith(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await write(temporary);
    const handle = await open(temporary, 'r+');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw explainWriteError(error, path);
  }
}

/** What `writeFileAtomicWith` calls its temporary files. */
const TEMPORARY = /\.[0-9a-f]{12}\.tmp$/;

/** Removes temporary files that killed processes have left in a folder; call it where nobody else is writing. */
export async function removeTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (TEMPORARY.test(name)) await rm(join(folder, name), { force: true });
}

/** Writes a whole file atomically. */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  await writeFileAtomicWith(path, async (temporary) => {
    const handle = await open(temporary, 'w');
    try {
      await handle.writeFile(data);
    } finally {
      await handle.close();
    }
  });
}

/** Writes a value as indented JSON, atomically. */
export async function writeJsonAtomic(path: string, value: unknown): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
