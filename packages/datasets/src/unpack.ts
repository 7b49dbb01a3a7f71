/** Unpacks archives of the kinds that corpora come in: zip, tar, and tar with gzip. */
import { open } from 'node:fs/promises';
import { untarMembers } from './untar.js';
import { type UnpackOptions, unzipMembers, zipMembers } from './unzip.js';

/** Whether a file begins as a zip archive does; its name does not matter. */
async function isZip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && buffer.readUInt16BE(0) === 0x504b;
  } finally {
    await file.close();
  }
}

/** Unpacks members of an archive of any kind to files of their names below `folder`; see `unzipMembers` and `untarMembers`. */
export async function unpackMembers(
  path: string,
  names: readonly string[],
  folder: string,
  options: UnpackOptions = {},
): Promise<void> {
  await ((await isZip(path)) ? unzipMembers : untarMembers)(path, names, folder, options);
}

/**
 * Names of an archive's members, where they can be told without reading it whole: a zip archive has a directory, a tar
 * archive has none.
 */
export async function memberNames(path: string): Promise<string[] | undefined> {
  return (await isZip(path)) ? [...(await zipMembers(path)).keys()] : undefined;
}
