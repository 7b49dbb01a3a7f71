/** Where the documents of a split lie among its ids, for splits that keep their documents apart. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '@t2r/core';
import { writeTokens } from './token-file.js';
import type { TokensSplit } from './types.js';

/** A document's ids are `length` ids from `start` on, with what stands before and after it. */
export interface DocumentRange {
  start: number;
  length: number;
}

/** Writes the lengths of documents beside the ids of a split. */
export async function writeLengths(
  folder: string,
  split: string,
  lengths: readonly number[],
  overlap: 0 | 1,
): Promise<NonNullable<TokensSplit['lengths']>> {
  const file = `${split}.lengths.bin`;
  const ids = async function* () {
    yield Int32Array.from(lengths);
  };
  await writeTokens(join(folder, file), 'uint32', ids());
  return { file, overlap };
}

/**
 * The documents of a split in order.
 * @param folder Folder of the `tokens` artifact.
 * @throws UserError where the split was encoded without them, or the file is missing or of another length
 */
export async function readDocuments(folder: string, name: string, split: TokensSplit): Promise<DocumentRange[]> {
  const { lengths, documents, tokens } = split;
  if (lengths === undefined)
    throw new UserError(`split "${name}" does not tell its documents apart`, {
      hint: 'Encode it by dataset/tokens with documents: lines.',
    });
  const path = join(folder, lengths.file);
  const damaged = { location: { file: path }, hint: 'encode the text again' };
  const bytes = await readFile(path).catch((cause: Error) => {
    throw new UserError(`cannot read the file of lengths ${path}: ${cause.message}`, { ...damaged, cause });
  });
  let start = 0;
  const ranges = Array.from({ length: Math.floor(bytes.length / 4) }, (_, i) => {
    const range = { start, length: bytes.readUInt32LE(4 * i) };
    start += range.length - lengths.overlap;
    return range;
  });
  const end = ranges.length === 0 ? 0 : start + lengths.overlap;
  if (bytes.length !== 4 * documents || (ranges.length > 0 && end !== tokens))
    throw new UserError(
      `the file of lengths ${path} does not fit the ${tokens} ids of ${documents} documents`,
      damaged,
    );
  return ranges;
}
