/** Members of a tar archive on disk, plain or gzip: written to files without being held in memory. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { explainWriteError, UserError, writeFileAtomicWith } from '@t2r/core';
import { readBytes } from '@t2r/tokenizers';
import { extract } from 'tar-stream';
import { missingMember, type UnpackOptions } from './unzip.js';

/**
 * Unpacks members of a tar archive to files of their names below `folder`, in the order they have in the archive. Each gets
 * its name once it is whole; only regular files count, and nothing after the last one asked for is read.
 * @throws UserError when the file is no tar archive, is broken or cut off, or a member is missing.
 */
export async function untarMembers(
  path: string,
  names: readonly string[],
  folder: string,
  { signal, onMember }: UnpackOptions = {},
): Promise<void> {
  const wanted = new Set(names);
  const seen: string[] = [];
  const entries = extract();
  const bytes = Readable.from(readBytes(path), { objectMode: false });
  // Its failure reaches the loop through `entries`; it is awaited so that it cannot go unhandled.
  let failure: unknown;
  const fed = pipeline(bytes, entries, { signal }).catch((error: unknown) => {
    failure = error;
  });
  let done = 0;
  try {
    for await (const entry of entries) {
      const name = entry.header.name.replace(/^(\.\/)+/, '');
      if (entry.header.type !== 'file' || !wanted.delete(name)) {
        if (entry.header.type === 'file' && seen.length < 8) seen.push(name);
        entry.resume();
        continue;
      }
      onMember?.(name, done++);
      await writeFileAtomicWith(join(folder, name), async (temporary) => {
        await pipeline(entry, createWriteStream(temporary), { signal });
      });
      if (wanted.size === 0) break;
    }
  } catch (error) {
    failure ??= error;
  } finally {
    entries.destroy();
    bytes.destroy();
    await fed;
  }
  signal?.throwIfAborted();
  if (wanted.size === 0) return;
  if (failure !== undefined) throw explained(path, folder, failure);
  throw missingMember(path, [...wanted][0]!, seen);
}

function explained(path: string, folder: string, error: unknown): unknown {
  if (error instanceof UserError) return error;
  const writing = explainWriteError(error, folder);
  if (writing instanceof UserError) return writing;
  return new UserError(`${path} cannot be unpacked: ${(error as Error).message}`, {
    location: { file: path },
    hint: 'give a whole tar or zip archive: copy or download it again',
    cause: error,
  });
}
