/** `dataset/pairs` on text made here, and the way from Multi30k to batches. */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Artifact } from '@t2r/core';
import { type BitextData, loadTokenizer } from '@t2r/tokenizers';
import { afterAll, describe, expect, it } from 'vitest';
import { createEvaluationBatches, createPairBatches, openPairs, type PairsData } from '../index.js';
import { check, createStepRunner, from } from '../testing/step-runner.js';

const runner = createStepRunner();
afterAll(runner.dispose);
const { folder, run } = runner;

const linesOf = (artifact: Artifact, split: string, side: 'source' | 'target') =>
  readFileSync((artifact.data as BitextData).splits[split]![side].path, 'utf8')
    .split('\n')
    .slice(0, -1);

/** The sentences of a split as ids, and the lines they come from. */
function sentences(artifact: Artifact, split: string) {
  const reader = openPairs(artifact.folder, artifact.data as PairsData, split);
  const read = Array.from({ length: reader.pairs }, (_, pair) => {
    const source = new Int32Array(reader.sourceLengths[pair]!);
    const target = new Int32Array(reader.targetLengths[pair]!);
    reader.readSource(pair, source, 0);
    reader.readTarget(pair, target, 0);
    return { source: [...source], target: [...target], line: reader.line(pair) };
  });
  reader.close();
  return read;
}

const train = Array.from({ length: 60 }, (_, i) => [
  `the ${'small '.repeat(i % 5)}dog number ${i % 7} runs`,
  `der ${'kleine '.repeat(i % 4)}Hund Nummer ${i % 7} läuft`,
]);
const test = [
  ['the cat ☃ runs', 'die Katze läuft'],
  [`the ${'small '.repeat(40)}dog`, 'der Hund'],
  ['the dog', 'der Hund'],
];
const table = (pairs: string[][]) => pairs.map((pair) => `${pair.join('\t')}\n`).join('');

async function text(): Promise<Artifact> {
  const done = runner.artifacts.text;
  if (done !== undefined) return done;
  writeFileSync(join(folder, 'train.tsv'), table(train));
  writeFileSync(join(folder, 'test.tsv'), table(test));
  const options = { source: 'en', target: 'de', root: folder, train: { tsv: 'train.tsv' }, test: { tsv: 'test.tsv' } };
  const made = await run('text', 'dataset/bitext', options);
  await run('joint', 'tokenizer/train', { from: from('text'), algorithm: 'subword-nmt', vocab: 60 });
  await run('en', 'tokenizer/train', { from: from('text'), side: 'source', algorithm: 'subword-nmt', merges: 20 });
  await run('de', 'tokenizer/train', { from: from('text'), side: 'target', algorithm: 'word', vocab: 9 });
  return made;
}

describe('tokenizer/train on parallel text', () => {
  it('learns from both sides, or from one', async () => {
    await text();
    const load = (id: string) => loadTokenizer(runner.artifacts[id]!.folder);
    const [joint, en, de] = [await load('joint'), await load('en'), await load('de')];
    expect(joint.vocabSize).toBe(60);
    expect([joint.decode(joint.encode('dog')), joint.decode(joint.encode('Hund'))]).toEqual(['dog', 'Hund']);
    expect([en.tokenToId('s@@') === undefined, en.tokenToId('ä@@') === undefined]).toEqual([false, true]);
    expect([de.tokenToId('Hund') === undefined, de.tokenToId('dog') === undefined]).toEqual([false, true]);
    const wrong = { from: from('text'), split: 'dev', algorithm: 'bpe', vocab: 300 };
    await expect(run('x', 'tokenizer/train', wrong)).rejects.toThrow(/has no split "dev"/);
    await run('plain', 'dataset/text', { train: join(folder, 'train.tsv') });
    const sided = { from: from('plain'), side: 'source', algorithm: 'bpe', vocab: 300 };
    await expect(run('x', 'tokenizer/train', sided)).rejects.toThrow(/the text of step plain has no sides/);
  });

  it('needs one size', async () => {
    const problems = async (options: object) =>
      (await check('tokenizer/train', { from: from('text'), ...options })).map(({ path, message }) => [
        path.join('.'),
        message,
      ]);
    expect(await problems({ algorithm: 'bpe' })).toEqual([['', 'the size of the vocabulary is missing']]);
    expect(await problems({ algorithm: 'bpe', merges: 10 })).toEqual([
      ['merges', '`merges` is an option of subword-nmt, not of bpe'],
    ]);
    expect(await problems({ algorithm: 'subword-nmt', merges: 10, vocab: 100 })).toEqual([
      ['merges', '`vocab` and `merges` both say how much to learn'],
    ]);
    expect(await problems({ algorithm: 'subword-nmt', merges: 10 })).toEqual([]);
  });
});

describe('dataset/pairs', () => {
  it('encodes line by line; pairs stay pairs, and test sets whole', async () => {
    const bitext = await text();
    const artifact = await run('pairs', 'dataset/pairs', {
      from: from('text'),
      tokenizer: from('joint'),
      maxTokens: 12,
    });
    const tokenizer = await loadTokenizer(runner.artifacts.joint!.folder);
    for (const split of ['train', 'test']) {
      const [source, target] = [linesOf(bitext, split, 'source'), linesOf(bitext, split, 'target')];
      const read = sentences(artifact, split);
      for (const { line, ...ids } of read) {
        expect(ids.source).toEqual([...tokenizer.encode(source[line]!)].slice(0, 11));
        expect(ids.target).toEqual([...tokenizer.encode(target[line]!)].slice(0, 11));
      }
    }
    const kept = train.flatMap(([a, b], i) =>
      tokenizer.encode(a!).length <= 11 && tokenizer.encode(b!).length <= 11 ? [i] : [],
    );
    expect(kept.length).toBeLessThan(60);
    expect(sentences(artifact, 'train').map(({ line }) => line)).toEqual(kept);
    expect(sentences(artifact, 'test').map(({ line }) => line)).toEqual([0, 1, 2]);
    expect(artifact.metrics).toMatchObject({
      'train.pairs': kept.length,
      'train.filtered.tooLong': 60 - kept.length,
      'train.source.unknown': 0,
      'test.pairs': 3,
      'test.truncated': 1,
    });
    expect(artifact.metrics['test.source.unknown']).toBeGreaterThan(0);
    expect(runner.messages).toContain('warning: test: 1 pairs were cut to 12 tokens');
    const data = artifact.data as PairsData;
    expect([data.source, data.target]).toMatchObject([
      { language: 'en', vocab: 60, pad: 1, end: 2 },
      { language: 'de', vocab: 60, pad: 1, start: 2, end: 2 },
    ]);
    expect(readdirSync(artifact.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('with a tokenizer a side, marks of its own, and limits on the numbers of tokens', async () => {
    await text();
    const artifact = await run('sides', 'dataset/pairs', {
      from: from('text'),
      source: from('en'),
      target: from('de'),
      special: { sourceStart: 'dog', sourceEnd: false, targetStart: '<unk>' },
      clean: { max: 8, ratio: 1.3 },
    });
    const [en, de] = await Promise.all(['en', 'de'].map((id) => loadTokenizer(runner.artifacts[id]!.folder)));
    const data = artifact.data as PairsData;
    expect(data.source).toMatchObject({ start: en!.tokenToId('dog'), pad: 1, vocab: en!.vocabSize });
    expect(data.source.end).toBeUndefined();
    expect(data.target).toMatchObject({ start: de!.tokenToId('<unk>'), end: de!.endOfText, vocab: 9 });
    const left = train.flatMap(([a, b], i) => {
      const [s, t] = [en!.encode(a!).length, de!.encode(b!).length];
      return s <= 8 && t <= 8 && s <= 1.3 * t && t <= 1.3 * s ? [i] : [];
    });
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(60);
    expect(sentences(artifact, 'train').map(({ line }) => line)).toEqual(left);
    expect(artifact.metrics['train.target.unknown']).toBeGreaterThan(0.01);
    expect(runner.messages).toContainEqual(
      expect.stringMatching(/^warning: train: .* % of the target tokens have no entry in the vocabulary$/),
    );
    expect(Object.keys(artifact.metrics)).toEqual(expect.arrayContaining(['source.unused', 'target.unused']));
  });

  it('cuts sentences or stops at them where that is asked for', async () => {
    await text();
    const options = { from: from('text'), tokenizer: from('joint'), maxTokens: 8 };
    const cut = await run('cut', 'dataset/pairs', { ...options, tooLong: 'truncate' });
    expect(cut.metrics).toMatchObject({ 'train.pairs': 60, 'test.pairs': 3 });
    expect(Math.max(...sentences(cut, 'train').map(({ source }) => source.length))).toBe(7);
    await expect(run('stop', 'dataset/pairs', { ...options, tooLong: 'error' })).rejects.toThrow(
      /train\.(en|de):\d+: the sentence has \d+ tokens, more than 7/,
    );
    await expect(run('none', 'dataset/pairs', { ...options, maxTokens: 2 })).rejects.toThrow(
      /no pair of the split "train" is left/,
    );
  });

  it('says which tokenizer or entry is missing', async () => {
    await text();
    const problems = async (options: object) =>
      (await check('dataset/pairs', { from: from('text'), ...options })).map(({ path, message }) => [
        path.join('.'),
        message,
      ]);
    expect(await problems({})).toEqual([['', 'the tokenizer is missing']]);
    expect(await problems({ source: from('en') })).toEqual([['', 'the tokenizer of the target side is missing']]);
    expect(await problems({ tokenizer: from('en'), target: from('de') })).toEqual([
      ['target', '`tokenizer` is that of both sides, and there is a `target` too'],
    ]);
    const special = { sourceStart: '<2de>' };
    await expect(run('x', 'dataset/pairs', { from: from('text'), tokenizer: from('joint'), special })).rejects.toThrow(
      /the tokenizer of step joint has no entry <2de> for `special\.sourceStart`/,
    );
    await run('bytes', 'tokenizer/train', { from: from('text'), vocab: 270 });
    await expect(run('x', 'dataset/pairs', { from: from('text'), tokenizer: from('bytes') })).rejects.toThrow(
      /the tokenizer of step bytes has no entry that ends a text/,
    );
  });

  it('its files are checked when they are opened', async () => {
    await text();
    const open = async (damage: (folder: string) => void) => {
      const artifact = await run('files', 'dataset/pairs', { from: from('text'), tokenizer: from('joint') });
      damage(artifact.folder);
      return () => openPairs(artifact.folder, artifact.data as PairsData, 'train').close();
    };
    expect(await open(() => undefined)).not.toThrow();
    const names = ['source.bin', 'target.offsets.bin', 'lines.bin'];
    for (const name of names) {
      expect(await open((at) => truncateSync(join(at, `train.${name}`), 8))).toThrow(/has 8 bytes, expected \d+/);
    }
    expect(
      await open((at) => {
        const path = join(at, 'train.source.offsets.bin');
        const bytes = readFileSync(path);
        bytes.writeDoubleLE(-5, 16);
        writeFileSync(path, bytes);
      }),
    ).toThrow(/is damaged/);
    const artifact = runner.artifacts.files!;
    expect(() => openPairs(artifact.folder, artifact.data as PairsData, 'dev')).toThrow(/have no split "dev"/);
  });
});

const data = process.env.T2R_DATA;
describe.skipIf(data === undefined)('Multi30k', () => {
  const raw = (set: string, language: string) =>
    gunzipSync(readFileSync(join(data!, `multi30k/raw/${set}.${language}.gz`)))
      .toString()
      .split('\n')
      .slice(0, -1);
  const file = (set: string, language: string) => `multi30k/raw/${set}.${language}.gz`;
  const part = (set: string) => ({ source: file(set, 'en'), target: file(set, 'de') });

  it('from files to batches: all pairs, side by side, and little padding in few shapes', async () => {
    const options = { source: 'en', target: 'de', root: data, train: part('train'), valid: part('val') };
    const whole = await run('m', 'dataset/bitext', { ...options, test: { flickr2016: part('test_2016_flickr') } });
    expect(whole.metrics).toMatchObject({ 'train.pairs': 29_000, 'valid.pairs': 1014, 'flickr2016.pairs': 1000 });
    expect(linesOf(whole, 'train', 'target')).toEqual(raw('train', 'de'));

    await run('mt', 'text/prepare', { from: from('m') });
    await run('mk', 'tokenizer/train', { from: from('mt'), algorithm: 'subword-nmt', vocab: 8000 });
    const pairs = await run('mp', 'dataset/pairs', { from: from('mt'), tokenizer: from('mk') });
    const reader = openPairs(pairs.folder, pairs.data as PairsData, 'train');
    const ids = pairs.data as PairsData;
    for (const [maxTokens, most] of [
      [2048, 0.14],
      [4096, 0.16],
    ] as const) {
      const batches = createPairBatches(reader, ids, { maxTokens, seed: 1 });
      expect(batches.shapes).toHaveLength(8);
      expect(1 - batches.tokens / batches.positions).toBeLessThan(most);
      const seen = new Uint8Array(reader.pairs);
      for (let i = 0; i < batches.count; i++) for (const pair of batches.at(0, i).pairs) if (pair >= 0) seen[pair]!++;
      expect(seen.every((times) => times === 1)).toBe(true);
    }
    reader.close();

    // Any test batch reads back as the lines of the text.
    const test = openPairs(pairs.folder, ids, 'flickr2016');
    const tokenizer = await loadTokenizer(runner.artifacts.mk!.folder);
    const [source, target] = (['source', 'target'] as const).map((side) =>
      linesOf(runner.artifacts.mt!, 'flickr2016', side),
    );
    for (const batch of createEvaluationBatches(test, ids, { maxTokens: 4096 })) {
      const { source: S, target: T } = batch.shape;
      for (const [row, pair] of batch.pairs.entries()) {
        if (pair < 0) continue;
        const words = (array: Int32Array, width: number, length: number) =>
          tokenizer.decode(array.subarray(row * width, row * width + length));
        const line = test.line(pair);
        expect(words(batch.source, S, test.sourceLengths[pair]!)).toBe(source![line]);
        expect(words(batch.targetOutput, T, test.targetLengths[pair]!)).toBe(target![line]);
      }
    }
    test.close();
  });

  it('filters leave pairs that belong together', async () => {
    const filter = { max: 20, ratio: 1.4, deduplicate: 'pairs', identical: 'drop' };
    const some = await run('f', 'dataset/bitext', {
      source: 'en',
      target: 'de',
      root: data,
      train: part('train'),
      filter,
    });
    const [a, b] = [linesOf(some, 'train', 'source'), linesOf(some, 'train', 'target')];
    const german = raw('train', 'de');
    const known = new Set(raw('train', 'en').map((line, i) => `${line}\t${german[i]}`));
    expect(a.length).toBeLessThan(29_000);
    expect(a.length).toBeGreaterThan(20_000);
    expect(a.every((line, i) => known.has(`${line}\t${b[i]}`))).toBe(true);
  });
});
