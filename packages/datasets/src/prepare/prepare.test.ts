/** `text/prepare` on lines made here, and on Multi30k, whose prepared files are published. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Artifact } from '@t2r/core';
import { afterAll, describe, expect, it } from 'vitest';
import type { BitextData } from '../index.js';
import { createStepRunner, from } from '../testing/step-runner.js';
import { cleanReason } from './clean.js';

const runner = createStepRunner();
afterAll(runner.dispose);
const { folder } = runner;

const linesOf = (artifact: Artifact, split: string, side: 'source' | 'target') =>
  readFileSync((artifact.data as BitextData).splits[split]![side].path, 'utf8')
    .split('\n')
    .slice(0, -1);

let runs = 0;
async function prepared(pairs: readonly (readonly [string, string])[], options: object) {
  writeFileSync(join(folder, 'a.tsv'), pairs.map((pair) => `${pair.join('\t')}\n`).join(''));
  const id = `text${runs++}`;
  const part = { tsv: 'a.tsv' };
  await runner.run(id, 'dataset/bitext', { source: 'en', target: 'de', root: folder, train: part, test: part });
  return runner.run(`prepared${runs}`, 'text/prepare', { from: from(id), ...options });
}

describe('text/prepare', () => {
  it('normalises punctuation, removes what cannot be printed, tokenises each side by its own rules', async () => {
    const pairs = [['“It’s a\u200b\u0007 well-known dog,” he said.', '„Ein Hund,“ sagte z.B. er – und so.']] as const;
    const artifact = await prepared(pairs, {});
    expect(linesOf(artifact, 'train', 'source')).toEqual(['&quot; It &apos;s a well-known dog , &quot; he said .']);
    expect(linesOf(artifact, 'train', 'target')).toEqual(['&quot; Ein Hund &quot; , sagte z.B. er - und so .']);
    const other = await prepared(pairs, {
      escape: false,
      aggressiveHyphens: true,
      source: { lowercase: true },
      target: { tokenize: false },
      testSets: { normalizePunctuation: false, plainApostrophes: true },
    });
    expect(linesOf(other, 'train', 'source')).toEqual(['" it \'s a well @-@ known dog , " he said .']);
    expect(linesOf(other, 'train', 'target')).toEqual(['"Ein Hund", sagte z.B. er - und so.']);
    expect(linesOf(other, 'test', 'source')).toEqual(["“ it 's a well @-@ known dog , ” he said ."]);
    expect(linesOf(other, 'test', 'target')).toEqual(['„Ein Hund,“ sagte z.B. er – und so.']);
  });

  it('leaves pairs out by their numbers of words, but not of test sets', async () => {
    const words = (n: number) => Array.from({ length: n }, () => 'w').join(' ');
    const pairs = [
      [words(3), words(3)],
      [words(2), words(3)],
      [words(2), words(4)],
      [words(11), words(10)],
      [words(1), words(1)],
      ['\u200b', words(2)],
    ] as const;
    const artifact = await prepared(pairs, { clean: { min: 2, max: 10, ratio: 1.5 } });
    expect(artifact.metrics).toEqual({
      'train.pairs': 2,
      'train.source.words': 5,
      'train.target.words': 6,
      'train.filtered.ratio': 1,
      'train.filtered.long': 1,
      'train.filtered.short': 1,
      'train.filtered.empty': 1,
      'test.pairs': 6,
      'test.source.words': 19,
      'test.target.words': 23,
    });
    expect(linesOf(artifact, 'test', 'source')).toHaveLength(6);
    await expect(prepared(pairs, { clean: { min: 20 } })).rejects.toThrow(/no pair of the split "train" is left/);
  });

  it('the ratio is of the longer side to the shorter, and the limits are within', () => {
    const clean = { min: 1, max: 250, ratio: 1.5 };
    const expected = (s: number, t: number) =>
      s >= 1 && t >= 1 && s <= 250 && t <= 250 && Math.max(s, t) <= 1.5 * Math.min(s, t);
    for (let s = 1; s < 270; s += 7) {
      for (let t = 1; t < 270; t += 5) expect(cleanReason(s, t, clean) === undefined, `${s} ${t}`).toBe(expected(s, t));
    }
  });
});

const data = process.env.T2R_DATA;
describe.skipIf(data === undefined)('Multi30k', () => {
  it('comes out as published, and pairs stay pairs', async () => {
    const file = (set: string, language: string) => `multi30k/raw/${set}.${language}.gz`;
    const part = (set: string) => ({ source: file(set, 'en'), target: file(set, 'fr') });
    await runner.run('multi30k', 'dataset/bitext', {
      source: 'en',
      target: 'fr',
      root: data,
      train: part('val'),
      test: part('test_2016_flickr'),
    });
    const options = { lowercase: true, legacy: true, removeNonPrinting: false };
    const artifact = await runner.run('tokens', 'text/prepare', { from: from('multi30k'), ...options });
    for (const [split, set] of [
      ['train', 'val'],
      ['test', 'test_2016_flickr'],
    ] as const) {
      for (const [side, language] of [
        ['source', 'en'],
        ['target', 'fr'],
      ] as const) {
        const published = readFileSync(join(data!, `multi30k/tok/${set}.lc.norm.tok.${language}`), 'utf8');
        expect(`${linesOf(artifact, split, side).join('\n')}\n`).toBe(published);
      }
    }
  });
});
