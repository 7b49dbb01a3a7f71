/** Reading text files: plain and gzip, characters across chunks, and what is wrong with bad ones. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readText } from './text-files.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-text-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function readAll(name: string, content: Uint8Array): Promise<string[]> {
  const path = join(folder, name);
  await writeFile(path, content);
  const pieces: string[] = [];
  for await (const piece of readText(path)) pieces.push(piece);
  return pieces;
}

describe('readText', () => {
  // Three bytes a character, so that no power of two falls between two of them.
  const text = `\uFEFF${'猫'.repeat(100_000)}\r\nend`;

  it.each([
    ['plain', Buffer.from(text)],
    ['gzip', gzipSync(text)],
    ['gzip of several members', Buffer.concat([gzipSync(text.slice(0, 500)), gzipSync(text.slice(500))])],
  ])('%s', async (name, content) => {
    const pieces = await readAll(name, content);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.every((piece) => !piece.includes('\uFFFD'))).toBe(true);
    expect(pieces.join('')).toBe(text);
  });

  it('an empty file has no text', async () => {
    expect(await readAll('empty', Buffer.alloc(0))).toEqual([]);
  });

  it.each([
    ['latin1', Buffer.from([0x61, 0xe9, 0x62]), /latin1 is not UTF-8 text/],
    ['ends-in-a-character', Buffer.from('猫').subarray(0, 2), /is not UTF-8 text/],
    ['cut.gz', gzipSync(text).subarray(0, 100), /the gzip file .*cut\.gz is broken or cut off/],
    ['broken.gz', Buffer.concat([gzipSync('a').subarray(0, 10), Buffer.from('nonsense')]), /is broken or cut off/],
  ])('%s', async (name, content, message) => {
    await expect(readAll(name, content)).rejects.toThrow(message);
  });

  it('a missing file', async () => {
    await expect(readText(join(folder, 'none')).next()).rejects.toThrow(/no such file: .*none/);
  });
});
