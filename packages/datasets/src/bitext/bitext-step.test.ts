/** `dataset/bitext` on files made here: formats, splits, filters, and every kind of bad input. */
import { readdirSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { BitextData } from '../index.js';
import { createBitextRunner, pairsOf } from '../testing/bitext-runner.js';
import { check, createStep } from '../testing/step-runner.js';

const runner = createBitextRunner();
const { folder, base, run, put, failure } = runner;
afterAll(runner.dispose);

describe('formats', () => {
  const expected = [
    ['a dog', 'ein Hund'],
    ['a "cat", too', 'eine Katze'],
    ['été', 'Sommer'],
  ];

  it.each([
    ['files', 'a dog\na "cat", too\nété\n', 'ein Hund\neine Katze\nSommer\n'],
    ['files without a last line end', 'a dog\na "cat", too\nété', 'ein Hund\neine Katze\nSommer'],
    ['files from Windows', '\ufeffa dog\r\na "cat", too\r\nété\r\n', '\ufeffein Hund\r\neine Katze\r\nSommer\r\n'],
  ])('%s', async (_, en, de) => {
    await put({ 'x/a.en': en, 'x/a.de.gz': gzipSync(de) });
    const artifact = await run({ train: { source: 'x/a.en', target: 'x/a.de.gz' } });
    expect(pairsOf(artifact, 'train')).toEqual(expected);
    expect(artifact.metrics).toEqual({
      'train.read': 3,
      'train.pairs': 3,
      'train.source.words': 6,
      'train.target.words': 5,
    });
  });

  it('a table with tabs, whose quotes are text', async () => {
    await put({ 'a.tsv': 'id\tde\ten\n1\tein Hund\ta dog\n2\teine Katze\ta "cat", too\n3\tSommer\tété\n' });
    const columns = { sourceColumn: 3, targetColumn: 2, header: true };
    expect(pairsOf(await run({ train: { tsv: 'a.tsv', ...columns } }), 'train')).toEqual(expected);
  });

  it.each([
    ['', ','],
    ['\ufeff', ';'],
  ])('a table with quotes and named columns', async (mark, d) => {
    const rows = ['0', `1`, 'eng'].join(d);
    const csv = `${mark}${rows}\n"ein Hund"${d}x${d}a dog\n\neine Katze${d}x${d}"a ""cat"", too"\nSommer${d}x${d}été`;
    await put({ 'a.csv.gz': gzipSync(csv) });
    const part = { csv: 'a.csv.gz', sourceColumn: 'eng', targetColumn: 0, delimiter: d };
    expect(pairsOf(await run({ train: part }), 'train')).toEqual(expected);
  });

  it('line ends within quoted fields become spaces', async () => {
    await put({ 'b.csv': 'en,de\n"a\nb","c\r\nd"\n' });
    const part = { csv: 'b.csv', sourceColumn: 'en', targetColumn: 'de' };
    expect(pairsOf(await run({ train: part }), 'train')).toEqual([['a b', 'c d']]);
  });

  it('test sets in SGML', async () => {
    const sgm = (text: string[]) =>
      `<srcset setid="x">\n<doc docid="a">\n<p>\n${text.map((t, i) => `<seg id="${i + 1}"> ${t} </seg>\n`).join('')}</p></doc></srcset>\n`;
    await put({
      'a.sgm': sgm(expected.map(([a]) => a!)),
      'b.sgm': sgm(expected.map(([, b]) => b!)).replace('<p>\n', ''),
    });
    expect(pairsOf(await run({ train: { source: 'a.sgm', target: 'b.sgm' } }), 'train')).toEqual(expected);
    await put({ 'b.sgm': sgm(['x', 'y']) });
    const { message } = await failure({ train: { source: 'a.sgm', target: 'b.sgm' } });
    expect(message).toMatch(/a\.sgm has 3 segments, .*b\.sgm 2$/);
  });
});

describe('splits', () => {
  it('several parts, test sets by name, and every nth training pair held out', async () => {
    await put({
      'n.en': Array.from({ length: 10 }, (_, i) => `s${i + 1}\n`).join(''),
      'n.de': Array.from({ length: 10 }, (_, i) => `t${i + 1}\n`).join(''),
      'm.tsv': 's11\tt11\ns12\tt12\n',
      't.tsv': 'x\ty\n',
    });
    const artifact = await run({
      train: [{ source: 'n.en', target: 'n.de' }, { tsv: 'm.tsv' }],
      valid: { every: 4 },
      test: { one: { tsv: 't.tsv' }, two: [{ tsv: 't.tsv' }, { tsv: 't.tsv' }] },
    });
    const { data, metrics } = artifact;
    expect(Object.keys((data as BitextData).splits)).toEqual(['train', 'valid', 'one', 'two']);
    expect(pairsOf(artifact, 'valid')).toEqual([4, 8, 12].map((n) => [`s${n}`, `t${n}`]));
    expect(pairsOf(artifact, 'train')).toEqual([1, 2, 3, 5, 6, 7, 9, 10, 11].map((n) => [`s${n}`, `t${n}`]));
    expect(metrics).toMatchObject({ 'train.pairs': 9, 'valid.pairs': 3, 'one.pairs': 1, 'two.pairs': 2 });
  });

  it('their names are known before anything runs', () => {
    const step = createStep('dataset/bitext', {
      ...base,
      train: { tsv: 'a' },
      valid: { every: 2 },
      test: { tsv: 'a' },
    });
    expect(step.plan!({} as never).produces).toEqual({
      splits: ['train', 'valid', 'test'],
      source: 'en',
      target: 'de',
    });
  });
});

describe('filters', () => {
  const pairs = [
    ['one two three', 'eins zwei drei'],
    ['one', 'eins'],
    ['a b c d e f g', 'a b c d e f g h'],
    ['one two three four', 'eins'],
    ['same same', 'same same'],
    ['one two three', 'eins zwei drei'],
    ['one  two three ', 'eins zwei\u00a0drei'],
    ['one two three', 'anders ist das'],
  ];
  const left = async (filter: object, more = {}) => {
    await put({ 'f.tsv': pairs.map((pair) => `${pair.join('\t')}\n`).join('') });
    const artifact = await run({ train: { tsv: 'f.tsv' }, test: { tsv: 'f.tsv' }, filter, ...more });
    expect(artifact.metrics['test.pairs']).toBe(pairs.length);
    const kept = pairsOf(artifact, 'train').length;
    const prefix = 'train.filtered.';
    const reasons = Object.entries(artifact.metrics).filter(([name]) => name.startsWith(prefix));
    expect(reasons.reduce((sum, [, n]) => sum + n, kept)).toBe(pairs.length);
    return Object.fromEntries(reasons.map(([name, n]) => [name.slice(prefix.length), n]));
  };

  it('count pairs by the first reason that holds, and leave test sets alone', async () => {
    expect(await left({ min: 2, max: 6, ratio: 1.5 })).toEqual({ short: 2, long: 1 });
    expect(await left({ ratio: 1.5 })).toEqual({ ratio: 1 });
    expect(await left({ unit: 'characters', min: 5 })).toEqual({ short: 2 });
    expect(await left({ identical: 'drop' })).toEqual({ identical: 1 });
    expect(await left({ deduplicate: 'pairs' })).toEqual({ duplicate: 1 });
    expect(await left({ deduplicate: 'source' })).toEqual({ duplicate: 2 });
    expect(await left({ deduplicate: 'target' })).toEqual({ duplicate: 2 });
    const message = runner.messages.filter((text) => text.startsWith('train: 6 pairs')).at(-1);
    expect(message).toBe('train: 6 pairs; left out of 8: 2 duplicate');
  });

  it('see normalised text', async () => {
    const normalize = { whitespace: true, unicode: 'NFKC' };
    expect(await left({ deduplicate: 'pairs' }, { normalize })).toEqual({ duplicate: 2 });
    await put({ 'g.tsv': ' e\u0301te\u0301  \u2003x\t①\n' });
    const artifact = await run({ train: { tsv: 'g.tsv' }, normalize });
    expect(pairsOf(artifact, 'train')).toEqual([['été x', '1']]);
  });

  it('must leave something', async () => {
    await put({ 'h.tsv': 'a\tb\n' });
    const { message, hint } = await failure({ train: { tsv: 'h.tsv' }, filter: { min: 2 } });
    expect(message).toBe('no pair of the split "train" is left: left out: 1 short');
    expect(hint).toMatch(/check its files and the filters/);
  });
});

describe('bad input', () => {
  const en = ['a', 'b', 'c', 'd', 'e'];
  /** Two files in which line 3 of the target side is replaced. */
  const files = async (third: Buffer) => {
    const line = (i: number) => (i === 2 ? third : Buffer.from(`t${i}`));
    const de = Buffer.concat(en.flatMap((_, i) => [line(i), Buffer.from('\n')]));
    await put({ 'bad.en': `${en.join('\n')}\n`, 'bad.de': de });
    return { train: { source: 'bad.en', target: 'bad.de' } };
  };
  const words = Array.from({ length: 10_000 }, (_, i) => `w${i}`).join(' ');

  it.each([
    ['empty', Buffer.from(''), /bad\.de:3: the line is empty, and its pair is line 3 of the other file/],
    ['empty', Buffer.from(' \t '), /bad\.de:3: the line is empty/],
    ['nul', Buffer.from('x\0y'), /bad\.de:3: the line holds a NUL character/],
    ['utf8', Buffer.from('caf\xe9 noir', 'latin1'), /bad\.de:3: not UTF-8 at byte 10$/],
    ['utf8', Buffer.from('abc\xe2\x82', 'latin1'), /bad\.de:3: not UTF-8 at byte 10$/],
    ['long', Buffer.from(words), /bad\.de:3: the line has 10000 words, more than a sentence \(at most 5000 words\)/],
    ['long', Buffer.alloc(3 << 20, 'x'), /bad\.de:3: the line has 3145728 bytes/],
  ])('%s: the place and what to do, or counted', async (kind, line, message) => {
    const options = await files(line);
    const error = await failure(options);
    expect(error.message).toMatch(message);
    expect(error.location).toEqual({ file: join(folder, 'bad.de'), line: 3 });
    expect(error.hint).toMatch(/or set skipBad: true/);
    const artifact = await run({ ...options, skipBad: true });
    expect(pairsOf(artifact, 'train').map(([a]) => a)).toEqual(['a', 'b', 'd', 'e']);
    expect(artifact.metrics).toMatchObject({ 'train.read': 5, 'train.pairs': 4, [`train.bad.${kind}`]: 1 });
    expect(runner.messages.at(-1)).toBe(`train: 4 pairs; left out of 5: 1 ${kind} (bad)`);
  });

  it('a line without end is not kept in memory', async () => {
    await put({ 'long.en': 'a\nb\n', 'long.de': Buffer.concat([Buffer.alloc(40 << 20, 'x'), Buffer.from('\nt\n')]) });
    const options = { train: { source: 'long.en', target: 'long.de' }, skipBad: true };
    expect(pairsOf(await run(options), 'train')).toEqual([['b', 't']]);
  });

  it('sides of different lengths, which cannot be skipped', async () => {
    await put({ 'short.en': 'a\nb\n', 'longer.de': 'x\ny\nz\n\n' });
    const options = { train: { source: 'short.en', target: 'longer.de' } };
    for (const skipBad of [false, true]) {
      const { message, hint } = await failure({ ...options, skipBad });
      expect(message).toMatch(/different lengths: .*short\.en has 2 lines, .*longer\.de 4$/);
      expect(hint).toMatch(/check that the files belong together/);
    }
  });

  it('tables: rows and columns that are missing, other encodings, broken quotes', async () => {
    await put({
      'p.tsv': 'a\tb\nc\n',
      'p.csv': 'en,de\na,b\n"c, d\n',
      'q.csv': 'en,de\na,b\nc\n',
      'r.csv': Buffer.from('en,de\na,b\n"c\nd",\xe9t\xe9\n', 'latin1'),
    });
    const csv = (name: string, more = {}) => ({ csv: name, sourceColumn: 'en', targetColumn: 'de', ...more });
    expect((await failure({ train: { tsv: 'p.tsv' } })).message).toMatch(
      /p\.tsv:2: the row has no column for the target/,
    );
    const skipped = await run({ train: { tsv: 'p.tsv' }, skipBad: true });
    expect(skipped.metrics).toMatchObject({ 'train.pairs': 1, 'train.bad.column': 1 });
    for (const skipBad of [false, true]) {
      const quotes = await failure({ train: csv('p.csv'), skipBad });
      expect(quotes.message).toMatch(/p\.csv:3: Quote Not Closed/);
      const column = await failure({ train: csv('p.csv', { sourceColumn: 'fr' }), skipBad });
      expect(column.message).toMatch(/p\.csv has no column "fr"/);
      expect(column.hint).toBe('columns in its first row: "en", "de"');
    }
    expect((await failure({ train: csv('q.csv') })).message).toMatch(
      /q\.csv:3: the row has no column for the target side/,
    );
    expect((await failure({ train: csv('r.csv') })).message).toMatch(/r\.csv:4: not UTF-8 at byte 17$/);
    const left = await run({ train: csv('r.csv'), skipBad: true });
    expect(left.metrics).toMatchObject({ 'train.pairs': 1, 'train.bad.utf8': 1 });
  });

  it('leaves nothing half-written', async () => {
    const options = await files(Buffer.from(''));
    const own = join(folder, 'own');
    await mkdir(own);
    await expect(run(options, { folder: own })).rejects.toThrow(/is empty/);
    expect(readdirSync(own)).toEqual([]);
  });
});

describe('what is found before anything runs', () => {
  const problems = async (options: object) =>
    (await check('dataset/bitext', { ...base, ...options })).map(({ path, message }) => [path.join('.'), message]);

  it('missing files and folders, wrong checksums, clashing names', async () => {
    await put({ 'o.en': 'a\n', 'o.de': 'b\n' });
    const good = { source: 'o.en', target: 'o.de' };
    expect(await problems({ train: good })).toEqual([]);
    expect(await problems({ train: [good, { source: 'o.en', target: 'none' }] })).toEqual([
      ['train.1.target', expect.stringMatching(/no such file: .*none/)],
    ]);
    expect(await problems({ train: good, sha256: { 'o.de': 'a'.repeat(64) } })).toEqual([
      ['train.target', expect.stringMatching(/o\.de has another content than expected: SHA-256/)],
    ]);
    expect(await problems({ train: good, root: join(folder, 'nowhere') })).toEqual([
      ['root', expect.stringMatching(/no such folder/)],
    ]);
    expect(await problems({ train: good, root: null })).toEqual([
      ['root', 'nowhere to take the files from: `root` and `mirror` are both empty'],
    ]);
    expect(await problems({ train: good, root: null, mirror: 'https://example.org' })).toEqual([
      ['train.source', 'o.en is to be downloaded and has no checksum'],
      ['train.target', 'o.de is to be downloaded and has no checksum'],
    ]);
    expect(await problems({ train: good, target: 'en' })).toEqual([['target', expect.stringMatching(/both sides/)]]);
    expect(await problems({ train: good, test: { valid: good } })).toEqual([
      ['test.valid', 'a test set cannot be named "valid"'],
    ]);
    expect(await problems({ train: good, filter: { splits: ['trian'] } })).toEqual([
      ['filter.splits.0', 'there is no split "trian" to filter'],
    ]);
    expect(await problems({ train: { ...good, archive: 'wmt' }, archives: { wmt14: { archive: 'a.tgz' } } })).toEqual([
      ['train.archive', 'there is no archive "wmt"; did you mean "wmt14"?'],
    ]);
  });

  it('the key follows the content, not the folder', async () => {
    const step = (root: string) =>
      createStep('dataset/bitext', { ...base, root, train: { tsv: 'k.tsv' } }).fingerprint!();
    await put({ 'k1/k.tsv': 'a\tb\n', 'k2/k.tsv': 'a\tb\n', 'k3/k.tsv': 'a\tc\n' });
    const [one, two, three] = await Promise.all(['k1', 'k2', 'k3'].map((name) => step(join(folder, name))));
    expect(one).toBe(two);
    expect(one).not.toBe(three);
  });
});
