/** State files on disk. */
import { readFile } from 'node:fs/promises';
import { UserError, writeFileAtomic } from '@t2r/core';
import { decodeSnapshot, encodeSnapshot, type SnapshotOptions } from './format.js';
import type { StateSnapshot } from './snapshot.js';

/** Writes a state to a file, through a temporary name; returns its bytes. */
export async function writeStateFile(path: string, snapshot: StateSnapshot, options: SnapshotOptions): Promise<number> {
  const bytes = await encodeSnapshot(snapshot, options);
  await writeFileAtomic(path, bytes);
  return bytes.length;
}

/** Reads a state file. Throws UserError, with the file's name, where `decodeSnapshot` does, or where there is no such file. */
export async function readStateFile(path: string, options: SnapshotOptions): Promise<StateSnapshot> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new UserError(`cannot read the state ${path}: ${cause.message}`, { cause });
  });
  try {
    return await decodeSnapshot(bytes, options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(`${path}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
