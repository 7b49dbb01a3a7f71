/** Members of a zip archive on disk: what there is, and written to files without being held in memory. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { explainWriteError, UserError, writeFileAtomicWith } from '@t2r/core';
import { type Entry, openPromise, type ZipFile } from 'yauzl';

/** Calls `use` with the open archive and its members by name; folders are left out. */
async function withArchive<T>(
  path: string,
  use: (archive: ZipFile, members: ReadonlyMap<string, Entry>) => Promise<T>,
): Promise<T> {
  let archive: ZipFile | undefined;
  const members = new Map<string, Entry>();
  try {
    archive = await openPromise(path, { autoClose: false });
    // The library refuses names that lead out of a folder, also of members that nobody asked for.
    for await (const entry of archive.eachEntry()) {
      if (!entry.fileName.endsWith('/')) members.set(entry.fileName, entry);
    }
  } catch (error) {
    archive?.close();
    throw broken(path, error);
  }
  try {
    return await use(archive, members);
  } finally {
    archive.close();
  }
}

const broken = (path: string, error: unknown, member?: string) =>
  new UserError(
    `${member === undefined ? path : `${member} in ${path}`} cannot be unpacked: ${(error as Error).message}`,
    {
      location: { file: path },
      hint: 'give a whole zip archive: copy or download it again',
      cause: error,
    },
  );

/**
 * Bytes of each member of an archive once it is unpacked, by name. Only the directory at the archive's end is read.
 * @throws UserError when it is no zip archive, is cut off, or has a name in it that leads out of the folder.
 */
export function zipMembers(path: string): Promise<Map<string, number>> {
  return withArchive(
    path,
    async (_, members) => new Map([...members].map(([name, { uncompressedSize }]) => [name, uncompressedSize])),
  );
}

export interface UnpackOptions {
  signal?: AbortSignal;
  /** Called before each member, with how many came before it. */
  onMember?: (name: string, done: number) => void;
}

/** What an archive that has no member of a name has instead. */
export function missingMember(path: string, name: string, members: Iterable<string>): UserError {
  const some = [...members].slice(0, 8);
  return new UserError(`${path} has no member ${name}`, {
    hint: some.length === 0 ? 'it is empty' : `members: ${some.join(', ')}`,
  });
}

/**
 * Unpacks members of a zip archive to files of their names below `folder`. Each gets its name once it is whole.
 * @throws UserError when a member is missing, of another size than the archive says, encrypted, or packed in a way that is
 * not supported (deflated and stored members are).
 */
export function unzipMembers(
  path: string,
  names: readonly string[],
  folder: string,
  { signal, onMember }: UnpackOptions = {},
): Promise<void> {
  return withArchive(path, async (archive, members) => {
    for (const [done, name] of names.entries()) {
      signal?.throwIfAborted();
      onMember?.(name, done);
      const entry = members.get(name);
      if (entry === undefined) throw missingMember(path, name, members.keys());
      const target = join(folder, name);
      await writeFileAtomicWith(target, async (temporary) => {
        try {
          const content = await archive.openReadStreamPromise(entry);
          await pipeline(content, createWriteStream(temporary), { signal });
        } catch (error) {
          signal?.throwIfAborted();
          // A full disk is told from a broken archive by its code.
          const explained = explainWriteError(error, target);
          throw explained instanceof UserError ? explained : broken(path, error, name);
        }
      });
    }
  });
}
