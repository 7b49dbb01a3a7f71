/** Lines from files: pieces may end anywhere, also within a character. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createRandom } from '@t2r/core';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeUtf8, type Line, MOST_BYTES, readLines } from './lines.js';
import { TextSet } from './text-set.js';
import { countWords, isBlank } from './words.js';

const folder = mkdtempSync(join(tmpdir(), 't2r-lines-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function linesOf(content: Buffer): Promise<Line[]> {
  const path = join(folder, 'lines.txt');
  writeFileSync(path, content);
  const lines: Line[] = [];
  for await (const piece of readLines(path)) {
    expect(piece.first).toBe(lines.length + 1);
    lines.push(...piece.lines);
  }
  return lines;
}

describe('lines', () => {
  const random = createRandom('lines', 1);
  const characters = [...'aé猫😀 \t\u2028'];
  const some = () => Array.from({ length: random.integer(90) }, () => characters[random.integer(7)]!).join('');
  const texts = Array.from({ length: 6000 }, some);

  it('are those of the whole text, plain and gzip, wherever pieces end', async () => {
    const content = Buffer.from(texts.map((text) => `${text}\n`).join(''));
    expect(content.length).toBeGreaterThan(4 << 16);
    expect(await linesOf(content)).toEqual(texts);
    expect(await linesOf(gzipSync(content))).toEqual(texts);
  });

  it('tell bad ones from good ones, with the place of the byte', async () => {
    const bytes = texts.map((text) => Buffer.from(`${text}\n`));
    const bad = [0, 17, 3000, 5999];
    for (const i of bad) bytes[i] = Buffer.concat([Buffer.from('é'), Buffer.from([0xff]), bytes[i]!]);
    const position = (i: number) => bytes.slice(0, i).reduce((sum, line) => sum + line.length, 0);
    const expected = texts.map((text, i) => (bad.includes(i) ? { bad: 'utf8', byte: position(i) + 3 } : text));
    expect(await linesOf(Buffer.concat(bytes))).toEqual(expected);
  });

  it('that are too long are passed over, at the beginning, between others and at the end', async () => {
    const long = Buffer.alloc(MOST_BYTES + 1, 'x');
    const bad = { bad: 'long', bytes: long.length };
    const join = (parts: (string | Buffer)[]) => Buffer.concat(parts.map((part) => Buffer.from(part)));
    expect(await linesOf(join([long, '\na\n', long, '\n', long, '\nb\nc\n', long]))).toEqual([
      bad,
      'a',
      bad,
      bad,
      'b',
      'c',
      bad,
    ]);
    expect(await linesOf(join(['é'.repeat(MOST_BYTES / 2), '\n', 'é'.repeat(MOST_BYTES / 2 + 1), '\n']))).toEqual([
      'é'.repeat(MOST_BYTES / 2),
      { bad: 'long', bytes: MOST_BYTES + 2 },
    ]);
  });

  it('of an empty file, and empty ones', async () => {
    expect(await linesOf(Buffer.from(''))).toEqual([]);
    expect(await linesOf(Buffer.from('\n'))).toEqual(['']);
    expect(await linesOf(Buffer.from('\r\n\n\ra'))).toEqual(['', '', '\ra']);
  });
});

it('the first byte that is no UTF-8 is where its character begins', () => {
  const at = (...bytes: number[]) => decodeUtf8(Uint8Array.from(bytes));
  expect(at(0x61, 0xc3, 0xa9)).toBe('aé');
  expect(at(0x61, 0xc3)).toEqual({ at: 1 });
  expect(at(0xe7, 0x8c, 0x61)).toEqual({ at: 0 });
  expect(at(0x61, 0x80)).toEqual({ at: 1 });
  expect(at(0xf0, 0x9f, 0x98, 0x80, 0xc0, 0xaf)).toEqual({ at: 4 });
});

it('words are what stands between white space', () => {
  const spaces = Array.from({ length: 0x10000 }, (_, i) => String.fromCharCode(i)).filter((c) =>
    /\p{White_Space}/u.test(c),
  );
  expect(spaces.filter((space) => countWords(`a${space}b`) !== 2 || !isBlank(space))).toEqual([]);
  for (const text of ['', ' ', 'a', ' a  b ', 'é猫😀 x', 'a\u200bb \ufeff']) {
    expect(countWords(text)).toBe(text.match(/\P{White_Space}+/gu)?.length ?? 0);
    expect(isBlank(text)).toBe(countWords(text) === 0);
  }
});

it('a set of texts knows what it has seen', () => {
  const set = new TextSet();
  const texts = Array.from({ length: 50_000 }, (_, i) => `${i % 977} text ${i}`);
  expect(texts.filter((text) => !set.add(text))).toEqual([]);
  expect(texts.filter((text) => set.add(text))).toEqual([]);
  expect(set.size).toBe(50_000);
  expect([set.add(''), set.add('\0'), set.add('\0\0'), set.add('')]).toEqual([true, true, true, false]);
});
