/** Token files on disk: little-endian unsigned integers without a header, written once and read at random. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError, writeFileAtomicWith } from '@t2r/core';
import type { TokenReader, TokensData, TokensSplit } from './types.js';

const WIDTH = { uint16: 2, uint32: 4 } as const;

/** The narrowest type that holds every id below `vocab`. */
export function tokenDtype(vocab: number): TokensSplit['dtype'] {
  return vocab <= 0x10000 ? 'uint16' : 'uint32';
}

/** Ids as they stand in a file. */
export function idBytes(ids: ArrayLike<number>, dtype: TokensSplit['dtype']): Buffer {
  const bytes = Buffer.allocUnsafe(ids.length * WIDTH[dtype]);
  if (dtype === 'uint16') for (let i = 0; i < ids.length; i++) bytes.writeUInt16LE(ids[i]!, 2 * i);
  else for (let i = 0; i < ids.length; i++) bytes.writeUInt32LE(ids[i]!, 4 * i);
  return bytes;
}

/** Writes ids as they come, atomically. Returns how many there were. */
export async function writeTokens(
  path: string,
  dtype: TokensSplit['dtype'],
  ids: AsyncIterable<Int32Array>,
): Promise<number> {
  let tokens = 0;
  await writeFileAtomicWith(path, async (temporary) => {
    const file = await open(temporary, 'w');
    try {
      for await (const part of ids) {
        await file.writeFile(idBytes(part, dtype));
        tokens += part.length;
      }
    } finally {
      await file.close();
    }
  });
  return tokens;
}

/**
 * Checks that there is a split of a name; passes where the names are not known yet (undefined).
 * @throws UserError naming the splits there are.
 */
export function checkSplit(splits: readonly string[] | undefined, split: string): void {
  if (splits === undefined || splits.includes(split)) return;
  throw new UserError(`the tokens have no split "${split}"`, { hint: `their splits: ${splits.join(', ')}` });
}

/**
 * Opens one split of a `tokens` artifact. Reads go straight to the file: the operating system keeps what is read often.
 * @param folder Folder of the artifact.
 * @param data The artifact's data.
 * @param split Name of the split, e.g. `train`.
 * @throws UserError when there is no such split or its file is missing or of another length.
 */
export function openTokens(folder: string, data: TokensData, split: string): TokenReader {
  checkSplit(Object.keys(data.splits), split);
  const entry = data.splits[split]!;
  return openIds(join(folder, entry.file), entry.dtype, entry.tokens);
}

/**
 * Opens a file of a known number of ids.
 * @throws UserError when it is missing or of another length.
 */
export function openIds(path: string, dtype: TokensSplit['dtype'], tokens: number): TokenReader {
  const width = WIDTH[dtype];
  const damaged = { location: { file: path }, hint: 'encode the text again' };
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new UserError(`cannot read the token file ${path}: ${(error as Error).message}`, {
      ...damaged,
      cause: error,
    });
  }
  const { size } = fstatSync(file);
  if (size !== tokens * width) {
    closeSync(file);
    throw new UserError(`the token file ${path} has ${size} bytes, expected ${tokens * width}`, damaged);
  }
  let buffer = Buffer.alloc(0);
  return {
    length: tokens,
    read(start, count, out, offset = 0) {
      if (start < 0 || count < 0 || start + count > tokens || offset + count > out.length) {
        throw new RangeError(
          `cannot read ${count} tokens at ${start} of ${tokens} into ${out.length} places at ${offset}`,
        );
      }
      if (buffer.length < count * width) buffer = Buffer.alloc(count * width);
      let filled = 0;
      while (filled < count * width) {
        const got = readSync(file, buffer, filled, count * width - filled, start * width + filled);
        if (got === 0) throw new UserError(`the token file ${path} was cut off while it was read`, damaged);
        filled += got;
      }
      if (width === 2) for (let i = 0; i < count; i++) out[offset + i] = buffer.readUInt16LE(2 * i);
      else for (let i = 0; i < count; i++) out[offset + i] = buffer.readUInt32LE(4 * i);
    },
    close: () => closeSync(file),
  };
}
