import { deflateRawSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { bytesInMemory, readBytes } from '../bytes/byte-source.js';
import { failAt } from '../format-error.js';
import { openZipContent } from './content.js';
import { readZipDirectory } from './directory.js';

const fail = failAt('x.zip');
const text = Buffer.from('so it goes. '.repeat(1e5));

/** An archive of one entry, with fields that can be changed. */
function archive(
  content: Buffer,
  change: Partial<Record<'method' | 'size' | 'packed' | 'crc' | 'start' | 'flags' | 'count', number>> = {},
): Buffer {
  const name = Buffer.from('a');
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50);
  local.writeUInt16LE(name.length, 26);
  const central = Buffer.alloc(46);
  central.writeUInt32LE(0x02014b50);
  central.writeUInt16LE(change.flags ?? 0, 8);
  central.writeUInt16LE(change.method ?? 8, 10);
  central.writeUInt32LE(change.crc ?? 0, 16);
  central.writeUInt32LE(change.packed ?? content.length, 20);
  central.writeUInt32LE(change.size ?? text.length, 24);
  central.writeUInt16LE(name.length, 28);
  central.writeUInt32LE(change.start ?? 0, 42);
  const count = change.count ?? 1;
  const directory = Buffer.concat(Array.from({ length: Math.min(count, 2) }, () => Buffer.concat([central, name])));
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length + name.length + content.length, 16);
  return Buffer.concat([local, name, content, directory, end]);
}

async function open(bytes: Buffer) {
  const file = bytesInMemory(bytes);
  const entries = await readZipDirectory(file, fail);
  return openZipContent(file, entries.get('a')!, fail);
}

const deflated = deflateRawSync(text);

test('deflated content is read forwards, with gaps, and again from its beginning', async () => {
  const content = await open(archive(deflated));
  const at = async (position: number, length: number) => (await readBytes(content, position, length)).toString();
  expect(await at(0, 11)).toBe('so it goes.');
  expect(await at(12 * 70_000 + 3, 5)).toBe('it go');
  expect(await at(6, 4)).toBe('goes');
  expect((await readBytes(content, 0, text.length)).equals(text)).toBe(true);
  await content.close();
});

describe('damaged archives', () => {
  test.each([
    ['promised to be longer', deflated, { size: text.length + 1 }, 'come out of it'],
    ['not deflated', Buffer.from('nonsense'), { size: 100 }, 'damaged data'],
    ['cut', deflated.subarray(0, 600), { size: 600_000 }, 'damaged data'],
    ['of another checksum', deflated, { crc: 1 }, 'checksum differs'],
    ['a bomb', deflated, { size: 0xfffffffe }, 'cannot hold the 4294967294 that are promised'],
    ['stored in too few bytes', text, { method: 0, packed: text.length - 1 }, 'cannot hold'],
    ['encrypted', deflated, { flags: 1 }, 'is encrypted'],
    ['of another method', deflated, { method: 93 }, 'compressed by method 93'],
    ['beyond the end', deflated, { start: 1e6 }, 'beyond the end'],
    ['elsewhere', deflated, { start: 5, packed: 100, size: 100 }, 'not where the directory says'],
    ['of more entries than there are', deflated, { count: 60_000 }, '60000 entries in'],
    ['of one entry twice', deflated, { count: 2 }, '"a" is there twice'],
    ['without its 64-bit sizes', deflated, { size: 0xffffffff }, 'damaged zip directory'],
  ])('%s', async (_, content, change, message) => {
    const read = async () => {
      const opened = await open(archive(content, change));
      return readBytes(opened, 0, opened.size);
    };
    await expect(read()).rejects.toThrow(message);
  });

  test('no end at all', async () => {
    await expect(readZipDirectory(bytesInMemory(deflated), fail)).rejects.toThrow('truncated');
    await expect(readZipDirectory(bytesInMemory(Buffer.alloc(3)), fail)).rejects.toThrow('truncated');
  });
});
