/** Members of a tar archive on disk, plain or gzip: written to files without being held in memory. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
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
  /** The member that is being written; it fails when the archive does. */
  let writing: Promise<void> = Promise.resolve();
  const write = async (name: string, entry: Readable) => {
    onMember?.(name, names.length - wanted.size);
    await writeFileAtomicWith(join(folder, name), (temporary) =>
      pipeline(entry, createWriteStream(temporary), { signal }),
    );
    wanted.delete(name);
  };
  let failure: unknown;
  try {
    await new Promise<void>((resolve, reject) => {
      entries.on('entry', ({ name: written, type }, entry, next) => {
        const name = written.replace(/^(\.\/)+/, '');
        if (type !== 'file' || !wanted.has(name)) {
          if (type === 'file' && seen.length < 8) seen.push(name);
          // An error of the archive is seen by its pipeline.
          entry.on('error', () => undefined);
          entry.on('end', () => next());
          entry.resume();
          return;
        }
        // At once, for an entry may fail before its file is open, and would not tell anybody later.
        const content = new PassThrough();
        content.on('error', () => undefined);
        pipeline(entry, content).catch(() => undefined);
        writing = write(name, content);
        writing.then(() => (wanted.size === 0 ? resolve() : next()), reject);
      });
      pipeline(bytes, entries, { signal }).then(resolve, reject);
    });
  } catch (error) {
    failure = error;
  } finally {
    entries.destroy();
    bytes.destroy();
    await writing.catch(() => undefined);
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
