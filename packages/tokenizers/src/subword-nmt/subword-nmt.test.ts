/** subword-nmt: its own reference files where they are at hand, and what its documentation and tests say. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from '../load.js';
import { TextStream } from '../text-stream.js';
import { joinSubwords, SubwordBpe } from './apply.js';
import { formatCodes, type Merge, parseCodes } from './codes.js';
import { learnCodes } from './learn.js';
import { SubwordNmt } from './tokenizer.js';
import { trainSubwordNmt } from './train.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-subword-'));
});
afterAll(() => rm(folder, { recursive: true }));

function count(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of text.split(/[\n ]+/)) if (word !== '') counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

const data = process.env.T2R_DATA;
describe.skipIf(data === undefined)('the reference files of subword-nmt', () => {
  const read = (name: string) => readFileSync(join(data!, 'subword-nmt', name), 'utf8');

  it('learns the codes, ties included', async () => {
    const merges = await learnCodes(count(read('corpus.en')), { merges: 1000 });
    expect(formatCodes({ version: '0.2', merges })).toBe(read('bpe.ref'));
  });

  it('splits the corpus, line for line, and joins it again', () => {
    const bpe = new SubwordBpe(parseCodes(read('bpe.ref')));
    const lines = read('corpus.en').split('\n');
    const split = lines.map((line) => bpe.apply(line));
    expect(split.join('\n')).toBe(read('corpus.bpe.ref.en'));
    expect(split.map((line) => joinSubwords(line))).toEqual(lines);
  });
});

describe('learning', () => {
  it('merges the most frequent pair, of several the last in code point order', async () => {
    // The example of Sennrich et al. 2016, figure 1.
    const counts = new Map(Object.entries({ low: 5, lower: 2, newest: 6, widest: 3 }));
    const merges = await learnCodes(counts, { merges: 4 });
    expect(merges).toEqual([
      ['s', 't</w>'],
      ['e', 'st</w>'],
      ['l', 'o'],
      ['w', 'est</w>'],
    ]);
  });

  it('equals a recount of all pairs after every merge', async () => {
    const text = 'abababab bababa aabbaabb abcabcabc cabcab aaaa aaaaa bbbb ccab\u{10000}x \ue000x \u{10000}x \ue000x';
    const counts = count(`${text} ${text} aaaa abab`);
    const merges = await learnCodes(counts, { merges: 40, minFrequency: 2 });
    expect(merges).toEqual(learnSlowly(counts, 40));
  });
});

/** The definition: count all pairs anew for each merge. */
function learnSlowly(counts: Map<string, number>, wanted: number): Merge[] {
  const words = [...counts].map(([word, frequency]) => {
    const symbols = [...word];
    symbols[symbols.length - 1] += '</w>';
    return { symbols, frequency };
  });
  const merges: Merge[] = [];
  while (merges.length < wanted) {
    const pairs = new Map<string, number>();
    for (const { symbols, frequency } of words) {
      for (let i = 0; i + 1 < symbols.length; i++) {
        const key = `${symbols[i]} ${symbols[i + 1]}`;
        pairs.set(key, (pairs.get(key) ?? 0) + frequency);
      }
    }
    const codes = (pair: string) => pair.split(' ').map((symbol) => Buffer.from(symbol));
    const best = [...pairs].sort(([a, m], [b, n]) => {
      const [aLeft, aRight] = codes(a);
      const [bLeft, bRight] = codes(b);
      return n - m || Buffer.compare(bLeft!, aLeft!) || Buffer.compare(bRight!, aRight!);
    })[0];
    if (best === undefined || best[1] < 2) break;
    const [left, right] = best[0].split(' ') as [string, string];
    merges.push([left, right]);
    for (const word of words) {
      const merged: string[] = [];
      for (let i = 0; i < word.symbols.length; i++) {
        const isPair = word.symbols[i] === left && word.symbols[i + 1] === right;
        merged.push(isPair ? left + right : word.symbols[i]!);
        if (isPair) i++;
      }
      word.symbols = merged;
    }
  }
  return merges;
}

const CODES = '#version: 0.2\nl o\ns t</w>\nlo w</w>\ne st</w>\nlo w\n';

describe('training', () => {
  const text = 'low low low lower lower newest newest newest widest';

  it('takes the number of merges, or the size of the vocabulary that they lead to', async () => {
    const some = await trainSubwordNmt([text], { merges: 5, endOfLine: false });
    expect(some.codes.merges).toEqual(await learnCodes(count(text), { merges: 5 }));
    const same = await trainSubwordNmt([text], { vocab: some.vocabSize, endOfLine: false });
    expect(same.codes).toEqual(some.codes);
    await expect(trainSubwordNmt([text], {})).rejects.toThrow(RangeError);
  });
});

describe('applying', () => {
  const codes = parseCodes(CODES);

  it('marks all subwords of a word but the last', () => {
    const bpe = new SubwordBpe(codes);
    expect(bpe.apply('low lowest  x\n')).toBe('low low@@ est x\n');
    expect(bpe.apply('  \n')).toBe('  \n');
    expect(joinSubwords('low low@@ est x')).toBe('low lowest x');
    expect(joinSubwords('low@@ ')).toBe('low');
  });

  it('takes merges back whose result is not in the vocabulary', () => {
    const vocabulary = new Set(['lo@@', 'w@@', 'e@@', 'st', 'low']);
    expect(new SubwordBpe({ ...codes, vocabulary }).apply('low lowest')).toBe('low lo@@ w@@ e@@ st');
  });

  it('leaves glossary words whole, also within others', () => {
    // From subword-nmt's own test of glossaries.
    const bpe = new SubwordBpe({ version: '0.2', merges: [], glossaries: ['USA', '<[a-z]+>'] });
    expect(bpe.apply('1934USABUSA USA <tag>low')).toBe('1@@ 9@@ 3@@ 4@@ USA@@ B@@ USA USA <tag>@@ l@@ o@@ w');
  });

  it('drops merges by a seed', () => {
    const bpe = new SubwordBpe(codes);
    const draw = (dropout: number, seed: number) => bpe.apply('lowest lowest lowest', { dropout, seed });
    expect(draw(0.4, 1)).toBe(draw(0.4, 1));
    expect(new Set([1, 2, 3, 4, 5, 6].map((seed) => draw(0.4, seed))).size).toBeGreaterThan(1);
    expect(draw(1, 1)).toBe('l@@ o@@ w@@ e@@ s@@ t '.repeat(3).trim());
    for (const seed of [1, 2, 3]) expect(joinSubwords(draw(0.4, seed))).toBe('lowest lowest lowest');
  });

  it('reads codes of version 0.1', () => {
    const old = parseCodes('s t\nst </w>\ne st</w>\n');
    expect(old.version).toBe('0.1');
    expect(new SubwordBpe(old).apply('west st')).toBe('w@@ est st');
    expect(formatCodes(old)).toBe('s t\nst </w>\ne st</w>\n');
  });

  it.each([
    ['#version: 0.2 byte\na b\n', /bytes/],
    ['#version: 0.3\na b\n', /version "0.3"/],
    ['#version: 0.2\na b\nabc\n', /line 3/],
    ['#version: 0.2\na  b\n', /line 2/],
  ])('refuses %j', (text, message) => {
    expect(() => parseCodes(text)).toThrow(message);
  });
});

describe('SubwordNmt', () => {
  const tokens = ['<s>', '<pad>', '</s>', '<unk>', 'low', 'low@@', 'est', ',', 'x@@'];
  const make = (more = {}) => new SubwordNmt({ ...parseCodes(CODES), tokens, endOfLine: '</s>', ...more });

  it('has ids of subwords, unknown words and line ends', () => {
    const tokenizer = make();
    const ids = tokenizer.encode('low  lowest\n\nz low\n');
    expect([...ids]).toEqual([4, 5, 6, 2, 2, 3, 4, 2]);
    expect(tokenizer.decode(ids)).toBe('low lowest\n\n<unk> low\n');
    expect(tokenizer.endOfText).toBe(2);
    const stream = new TextStream(tokenizer);
    expect([...ids].map((id) => stream.push(id)).join('') + stream.end()).toBe('low lowest\n\n<unk> low\n');
    for (const end of [3, 9, 12, 13, 16]) {
      const text = 'low  lowest\n\nz low\n'.slice(0, end);
      const cut = tokenizer.cutPoint(text);
      expect([...tokenizer.encode(text.slice(0, cut)), ...tokenizer.encode(text.slice(cut))]).toEqual([
        ...tokenizer.encode(text),
      ]);
    }
  });

  it('is saved and loaded, Moses and all', async () => {
    const moses = { language: 'en', normalize: true, lowercase: true, aggressiveHyphens: false, legacy: false };
    const tokenizer = make({ moses, restrict: true, glossaries: ['Ab'] });
    const path = join(folder, 'tokenizer.json');
    await tokenizer.save(path);
    const again = await loadTokenizer(path);
    expect(again).toBeInstanceOf(SubwordNmt);
    for (const text of ['Lowest, low', 'Low\nlow']) {
      expect(again.encode(text)).toEqual(tokenizer.encode(text));
      expect(again.decode(again.encode(text))).toBe(text.toLowerCase());
    }
    await writeFile(path, JSON.stringify({ model: { type: 'SubwordNmt', vocab: {} } }));
    await expect(loadTokenizer(path)).rejects.toThrow(/model.codes/);
  });
});
