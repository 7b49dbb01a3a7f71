/** Files that are read at any place without loading them. */
import { type FileHandle, open, stat } from 'node:fs/promises';
import { UserError } from '@t2r/core';
import { failAt } from '../format-error.js';
import type { ClosableBytes } from './byte-source.js';

export interface OpenFile extends ClosableBytes {
  readonly path: string;
}

/** Some systems refuse reads of 2 GiB and more in one call. */
const LARGEST_READ = 1 << 30;

async function openHandle(path: string): Promise<FileHandle> {
  try {
    // Opening a pipe would wait for somebody to write into it.
    if (!(await stat(path)).isFile()) throw new Error('it is not a file');
    return await open(path, 'r');
  } catch (cause) {
    throw new UserError(`cannot open ${path}: ${(cause as Error).message}`, { location: { file: path }, cause });
  }
}

/** @throws UserError when there is no such file or it may not be read */
export async function openFile(path: string): Promise<OpenFile> {
  const handle = await openHandle(path);
  return {
    path,
    size: (await handle.stat()).size,
    async read(position, into) {
      let done = 0;
      while (done < into.length) {
        const length = Math.min(into.length - done, LARGEST_READ);
        const { bytesRead } = await handle.read(into, done, length, position + done);
        if (bytesRead === 0)
          throw failAt(path)(`the file is truncated: expected ${into.length} bytes at byte ${position}, got ${done}`);
        done += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}

/** Opens a file for `use`, and closes it again if that fails. */
export async function usingFile<T>(path: string, use: (file: OpenFile) => Promise<T>): Promise<T> {
  const file = await openFile(path);
  try {
    return await use(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}
