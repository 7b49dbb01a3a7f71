/** NumPy's array files (.npy) and archives of them (.npz, numpy.savez and savez_compressed; Marian's models). */
import type { OpenFile } from '../bytes/open-file.js';
import { type Fail, failAt, failTensor } from '../format-error.js';
import { readView } from '../read-view.js';
import { entryOf, type StoredEntry, type TensorSource } from '../tensor-source.js';
import { openZipContent } from '../zip/content.js';
import type { ZipEntry } from '../zip/directory.js';
import { entryOfView, readNpyHeader } from './npy-header.js';

/** How numpy.savez calls an array that has been given no name. */
const UNNAMED = 'arr_0';

const SUFFIX = '.npy';

export const isNpz = (entries: ReadonlyMap<string, ZipEntry>) =>
  entries.size > 0 && [...entries.keys()].every((name) => name.endsWith(SUFFIX));

/** @throws UserError when the header is damaged, the file truncated or the elements are not numbers */
export async function openNpy(file: OpenFile): Promise<TensorSource> {
  const fail = failAt(file.path);
  const entry: StoredEntry = entryOfView(UNNAMED, await readNpyHeader(file, fail));
  const entries = new Map([[UNNAMED, entry]]);
  return {
    path: file.path,
    format: 'numpy',
    files: [file.path],
    entries,
    metadata: {},
    read: (name) => readView(file, entryOf(entries, name, fail), failTensor(fail, name)),
    close: () => file.close(),
  };
}

async function readEntry(file: OpenFile, member: ZipEntry, name: string, fail: Fail): Promise<StoredEntry> {
  const content = await openZipContent(file, member, fail);
  try {
    return entryOfView(name, await readNpyHeader(content, failTensor(fail, name)));
  } finally {
    await content.close();
  }
}

/**
 * Opens an archive of arrays; each is called as its member without ".npy".
 *
 * @throws UserError when a header is damaged or an array's elements are not numbers
 */
export async function openNpz(file: OpenFile, members: ReadonlyMap<string, ZipEntry>): Promise<TensorSource> {
  const fail = failAt(file.path);
  const entries = new Map<string, StoredEntry>();
  for (const [path, member] of members) {
    const name = path.slice(0, -SUFFIX.length);
    entries.set(name, await readEntry(file, member, name, fail));
  }
  return {
    path: file.path,
    format: 'numpy',
    files: [file.path],
    entries,
    metadata: {},
    async read(name) {
      const entry = entryOf(entries, name, fail);
      const failHere = failTensor(fail, name);
      const content = await openZipContent(file, members.get(name + SUFFIX)!, fail);
      try {
        // From its beginning, so that the whole is checked against its checksum.
        await readNpyHeader(content, failHere);
        return await readView(content, entry, failHere);
      } finally {
        await content.close();
      }
    },
    close: () => file.close(),
  };
}
