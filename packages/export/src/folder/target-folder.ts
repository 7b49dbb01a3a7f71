/** The folder that an export is written into. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { explainWriteError, UserError } from '@t2r/core';
import { MANIFEST_FILE, parseManifest } from '../manifest.js';

/**
 * Makes an empty folder. With `force` one with files will do: those that an earlier export has left are removed, everything
 * else stays where it is.
 *
 * @throws UserError where there is a file of that name, or the folder is not empty and `force` is not given
 */
export async function prepareFolder(folder: string, { force = false }: { force?: boolean } = {}): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    throw new UserError(`${folder} cannot be written into: ${error.message}`, { hint: 'Give another folder.' });
  });
  if (names.length > 0 && !force)
    throw new UserError(`the folder ${folder} is not empty`, {
      hint: 'Give another one, or --force to replace an export that is in it.',
    });
  // config.json first: without it the folder is no exported model any more.
  const manifest = names.includes(MANIFEST_FILE) ? join(folder, MANIFEST_FILE) : undefined;
  const old = manifest === undefined ? [] : await oldFiles(manifest);
  try {
    for (const path of old) await rm(path, { force: true });
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw explainWriteError(error, folder);
  }
}

/** The files of an earlier export, its config.json first. @throws UserError where config.json is that of something else */
async function oldFiles(path: string): Promise<string[]> {
  let files: string[];
  try {
    files = Object.keys(parseManifest(JSON.parse(await readFile(path, 'utf8')), path).files);
  } catch (cause) {
    throw new UserError(`${path} is not that of an exported model, and is not overwritten`, {
      hint: 'Give another folder, or move the file away.',
      cause,
    });
  }
  return [path, ...files.map((file) => join(path, '..', file))];
}
