/** The content of one entry of a zip archive as bytes that are read on demand. */
import { crc32 } from 'node:zlib';
import { type ByteSource, type ClosableBytes, partOf, readBytes } from '../bytes/byte-source.js';
import type { Fail } from '../format-error.js';
import type { ZipEntry } from './directory.js';
import { inflatedBytes } from './inflated.js';

const LOCAL = { signature: 0x04034b50, bytes: 30 };

/** Checks content that is read from its beginning to its end without a gap against its checksum. */
function checkedBytes(source: ClosableBytes, expected: number, fail: Fail): ClosableBytes {
  let next = 0;
  let sum = 0;
  return {
    ...source,
    async read(position, into) {
      await source.read(position, into);
      if (position === 0) next = sum = 0;
      if (position !== next || into.length === 0) return;
      next += into.length;
      sum = crc32(into, sum);
      if (next === source.size && sum !== expected) throw fail('damaged data: its checksum differs');
    },
  };
}

/**
 * Opens the content of an entry: stored content is read in place, deflated content through a stream. Content that is
 * read in one go is checked against its checksum, where there is one (PyTorch can be told to leave it out: 0).
 *
 * @throws UserError when the entry is not where the directory says; from `read`, when the data are damaged
 */
export async function openZipContent(
  file: ByteSource,
  { name, deflated, packedSize, size, headerStart, crc32: expected }: ZipEntry,
  fail: Fail,
): Promise<ClosableBytes> {
  const failEntry: Fail = (what, hint) => fail(`zip entry "${name}": ${what}`, hint);
  if (headerStart + LOCAL.bytes > file.size) throw failEntry('it lies beyond the end of the file');
  const header = await readBytes(file, headerStart, LOCAL.bytes);
  if (header.readUInt32LE(0) !== LOCAL.signature) throw failEntry('it is not where the directory says');
  const start = headerStart + LOCAL.bytes + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (start + packedSize > file.size) throw failEntry('it lies beyond the end of the file');
  const packed = partOf(file, start, packedSize);
  const content = deflated ? inflatedBytes(packed, size, failEntry) : packed;
  return expected === 0 ? content : checkedBytes(content, expected, failEntry);
}

/** The whole content of an entry that is small enough. */
export async function readZipContent(file: ByteSource, entry: ZipEntry, limit: number, fail: Fail): Promise<Buffer> {
  if (entry.size > limit) throw fail(`zip entry "${entry.name}" has ${entry.size} bytes, more than ${limit}`);
  const content = await openZipContent(file, entry, fail);
  try {
    return await readBytes(content, 0, content.size);
  } finally {
    await content.close();
  }
}
