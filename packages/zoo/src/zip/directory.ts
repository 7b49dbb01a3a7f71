/**
 * The central directory of a zip file: which entries there are and where. Only the directory is read; sizes and offsets
 * are checked before they are used. Format: PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 (local header), 4.3.12 (central
 * directory), 4.3.14 to 4.3.16 (end records, with their 64-bit forms), 4.5.3 (64-bit extra field).
 */
import { type ByteSource, readBytes } from '../bytes/byte-source.js';
import type { Fail } from '../format-error.js';

export interface ZipEntry {
  name: string;
  /** Deflated, or stored as it is. */
  deflated: boolean;
  /** Bytes in the archive. */
  packedSize: number;
  /** Bytes of the content. */
  size: number;
  /** Checksum of the content. */
  crc32: number;
  /** Where the entry's local header begins. */
  headerStart: number;
}

const END = { signature: 0x06054b50, bytes: 22, longestComment: 0xffff };
const END_64_LOCATOR = { signature: 0x07064b50, bytes: 20 };
const END_64 = { signature: 0x06064b50, bytes: 56 };
const CENTRAL = { signature: 0x02014b50, bytes: 46 };

/** Larger directories are no checkpoint's: this one has 300,000 tensors. */
const LARGEST_DIRECTORY = 1 << 25;

/** Deflate makes no more than 258 bytes out of two bits. */
const LARGEST_RATIO = 1032;

interface Directory {
  start: number;
  size: number;
  count: number;
}

const uint64 = (bytes: Buffer, at: number) => Number(bytes.readBigUInt64LE(at));

async function findDirectory(file: ByteSource, fail: Fail): Promise<Directory> {
  const tailStart = Math.max(0, file.size - END.bytes - END.longestComment);
  const tail = await readBytes(file, tailStart, file.size - tailStart);
  let at = tail.length - END.bytes;
  while (at >= 0 && tail.readUInt32LE(at) !== END.signature) at--;
  if (at < 0) throw fail('the file is truncated: a zip archive ends with a directory, which is not there');
  const locatorStart = tailStart + at - END_64_LOCATOR.bytes;
  if (locatorStart >= 0) {
    const locator = await readBytes(file, locatorStart, END_64_LOCATOR.bytes);
    if (locator.readUInt32LE(0) === END_64_LOCATOR.signature) {
      const start = uint64(locator, 8);
      if (!(start + END_64.bytes <= locatorStart))
        throw fail('damaged zip directory: its 64-bit end record is misplaced');
      const end = await readBytes(file, start, END_64.bytes);
      if (end.readUInt32LE(0) !== END_64.signature) throw fail('damaged zip directory: no 64-bit end record');
      return { count: uint64(end, 32), size: uint64(end, 40), start: uint64(end, 48) };
    }
  }
  return { count: tail.readUInt16LE(at + 10), size: tail.readUInt32LE(at + 12), start: tail.readUInt32LE(at + 16) };
}

/** Numbers that did not fit 32 bits stand in the extra field, in the order of the fields they replace. */
function widened(values: readonly number[], extra: Buffer, fail: () => Error): number[] {
  if (values.every((value) => value !== 0xffffffff)) return [...values];
  for (let at = 0; at + 4 <= extra.length; ) {
    const size = extra.readUInt16LE(at + 2);
    if (at + 4 + size > extra.length) break;
    if (extra.readUInt16LE(at) === 1) {
      let next = at + 4;
      return values.map((value) => {
        if (value !== 0xffffffff) return value;
        if (next + 8 > at + 4 + size) throw fail();
        next += 8;
        return uint64(extra, next - 8);
      });
    }
    at += 4 + size;
  }
  throw fail();
}

function parseEntry(directory: Buffer, at: number, limit: number, fail: Fail): { entry: ZipEntry; next: number } {
  const broken = () => fail(`damaged zip directory: the entry at byte ${at} of it is not one`);
  if (at + CENTRAL.bytes > directory.length || directory.readUInt32LE(at) !== CENTRAL.signature) throw broken();
  const nameEnd = at + CENTRAL.bytes + directory.readUInt16LE(at + 28);
  const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
  const next = extraEnd + directory.readUInt16LE(at + 32);
  if (next > directory.length) throw broken();
  const name = directory.toString('utf8', at + CENTRAL.bytes, nameEnd);
  const method = directory.readUInt16LE(at + 10);
  if (directory.readUInt16LE(at + 8) & 1)
    throw fail(`zip entry "${name}" is encrypted`, 'Store it without a password.');
  if (method !== 0 && method !== 8)
    throw fail(`zip entry "${name}" is compressed by method ${method}`, 'Store it plain (0) or deflated (8).');
  const [size, packedSize, headerStart] = widened(
    [directory.readUInt32LE(at + 24), directory.readUInt32LE(at + 20), directory.readUInt32LE(at + 42)],
    directory.subarray(nameEnd, extraEnd),
    broken,
  ) as [number, number, number];
  const entry = { name, deflated: method === 8, size, packedSize, crc32: directory.readUInt32LE(at + 16), headerStart };
  if (!(headerStart + packedSize <= limit)) throw fail(`zip entry "${name}" lies beyond the end of the archive`);
  const possible = entry.deflated ? size <= (packedSize + 1) * LARGEST_RATIO : size === packedSize;
  if (!possible) throw fail(`zip entry "${name}": ${packedSize} bytes cannot hold the ${size} that are promised`);
  return { entry, next };
}

/**
 * Reads the directory.
 *
 * @returns entries by name, in the archive's order
 * @throws UserError when it is missing (a truncated file), damaged, or an entry is encrypted, twice there or compressed
 *   by another method than deflate
 */
export async function readZipDirectory(file: ByteSource, fail: Fail): Promise<Map<string, ZipEntry>> {
  const { start, size, count } = await findDirectory(file, fail);
  if (!(start + size <= file.size)) throw fail('the zip directory lies beyond the end of the file: it is truncated');
  if (size > LARGEST_DIRECTORY || count * CENTRAL.bytes > size)
    throw fail(`damaged zip directory: ${count} entries in ${size} bytes`);
  const directory = await readBytes(file, start, size);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { entry, next } = parseEntry(directory, at, start, fail);
    if (entries.has(entry.name)) throw fail(`zip entry "${entry.name}" is there twice`);
    entries.set(entry.name, entry);
    at = next;
  }
  return entries;
}
