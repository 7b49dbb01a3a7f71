/** Finding and checking the text files of a corpus. */
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hashFile, UserError } from '@t2r/core';
import type { CorpusFile } from '@t2r/tokenizers';
import { isGzip, readText } from '@t2r/tokenizers';

/**
 * The files a path stands for: itself, or the files of a folder in the order of their names. Hidden files and folders
 * inside it are passed over.
 * @throws UserError when there is nothing at the path or the folder holds no file.
 */
export async function listFiles(path: string): Promise<string[]> {
  let found: Stats;
  try {
    found = await stat(path);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new UserError(
      missing ? `no such file or folder: ${path}` : `cannot read ${path}: ${(error as Error).message}`,
      {
        hint: 'give a text file, a .gz file, or a folder of such files',
        cause: error,
      },
    );
  }
  if (found.isFile()) return [path];
  // A pipe or a device would have to be read several times: for its checksum, for the vocabulary, for the tokens.
  if (!found.isDirectory()) {
    throw new UserError(`${path} is neither a file nor a folder`, { hint: 'write what it gives to a file first' });
  }
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries
    .filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.'))
    .map(({ name }) => name);
  if (names.length === 0) {
    throw new UserError(`the folder ${path} holds no file`, { hint: 'put text or .gz files into it' });
  }
  return names.sort().map((name) => join(path, name));
}

/**
 * Looks at the beginning of a file.
 * @throws UserError when it is empty, not UTF-8 text, or named .gz without being gzip.
 */
export async function checkTextFile(path: string): Promise<void> {
  if ((await stat(path)).size === 0) throw new UserError(`${path} is empty`, { hint: 'give a file with text' });
  if (basename(path).endsWith('.gz') && !(await isGzip(path))) {
    throw new UserError(`${path} is named .gz but its content is not gzip`, {
      hint: 'rename it, or copy or download it again',
    });
  }
  // Leaving the loop after the first piece closes the file.
  for await (const _piece of readText(path)) break;
}

/** What a corpus records of a file. */
export async function describeFile(path: string): Promise<CorpusFile> {
  return { path, sha256: await hashFile(path), bytes: (await stat(path)).size };
}
