/** Reading parallel text to its end, as a recipe would, and small files to begin with. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Step, StepContext } from '@t2r/core';
import datasets from '@t2r/datasets';

const unavailable = () => {
  throw new Error('not available here');
};

/** Runs `dataset/bitext` on one part of the folder that a file lies in. */
async function readPart(path: string, options: object): Promise<void> {
  const component = datasets.components.find(({ name }) => name === 'dataset/bitext')!;
  const given = component.schema.parse({ source: 'en', target: 'de', root: dirname(path), ...options });
  const step = component.create(given, { create: unavailable }) as Step;
  const folder = await mkdtemp(join(tmpdir(), 't2r-fuzz-bitext-'));
  const context: StepContext = {
    id: 'fuzz',
    folder,
    seed: 1,
    engineSpec: { use: 'cpu' },
    events: { progress() {}, point() {}, info() {}, warn() {} },
    signal: new AbortController().signal,
    input: unavailable,
    all: () => [],
    run: { name: 'fuzz', folder },
    create: unavailable,
  };
  try {
    await step.run(context);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const filter = { max: 50, ratio: 9, deduplicate: 'pairs' };
const normalize = { whitespace: true, unicode: 'NFKC' };

/** Reads a table with tabs, first with and then without mercy. */
export async function readTsv(path: string): Promise<void> {
  const train = { tsv: basename(path) };
  await readPart(path, { train, filter, normalize, skipBad: true });
  await readPart(path, { train, valid: { every: 3 } });
}

/** Reads a table with quotes. */
export function readCsv(path: string): Promise<void> {
  return readPart(path, { train: { csv: basename(path), sourceColumn: 'en', targetColumn: 'de' }, filter, normalize });
}

/** Takes two members out of an archive. */
export function readArchive(path: string): Promise<void> {
  const archives = { a: { archive: basename(path) } };
  return readPart(path, { archives, train: { archive: 'a', source: 'd/a.en', target: 'd/a.de' }, skipBad: true });
}

const pairs = Array.from({ length: 12 }, (_, i) => [`the dog, number ${i} 猫`, `der "Hund" Nummer ${i} ü`]);
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;

export const tsvSeeds = [
  Buffer.from(pairs.map((pair) => `${pair.join('\t')}\n`).join('')),
  gzipSync(`${pairs.map((pair) => pair.join('\t')).join('\r\n')}`),
];
export const csvSeeds = [
  Buffer.from(`id,de,en\n${pairs.map(([a, b], i) => `${i},${quoted(b!)},${quoted(a!)}\n`).join('')}`),
  Buffer.from(`\ufeffen,de\n${pairs.map(([a, b]) => `${quoted(a!)},${quoted(b!)}\r\n`).join('')}`),
];

/** A tar archive of the simplest kind (POSIX.1-1988): a header of 512 bytes and the content, filled up to 512. */
function tar(members: Record<string, string>): Buffer {
  const blocks = Object.entries(members).flatMap(([name, text]) => {
    const header = Buffer.alloc(512);
    const content = Buffer.from(text);
    const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
    header.write(name, 0);
    header.write(octal(0o644, 7), 100);
    header.write(octal(0, 7), 108);
    header.write(octal(0, 7), 116);
    header.write(octal(content.length, 11), 124);
    header.write(octal(0, 11), 136);
    header.write(' '.repeat(8), 148);
    header.write('0', 156);
    header.write('ustar\x0000', 257, 'latin1');
    header.write(
      `${octal(
        header.reduce((sum, byte) => sum + byte, 0),
        6,
      )} `,
      148,
    );
    return [header, content, Buffer.alloc(-content.length & 511)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const side = (at: 0 | 1) => pairs.map((pair) => `${pair[at]}\n`).join('');
const archive = tar({ 'd/readme': 'text', 'd/a.en': side(0), 'd/a.de': side(1) });
export const archiveSeeds = [archive, gzipSync(archive)];
