/** The steps of this package, run one after the other as a recipe would. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { type Artifact, hashFile } from '@t2r/core';
import { loadTokenizer, TOKENIZER_FILE } from '@t2r/tokenizers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CorpusData, openTokens, readDocuments, type TokensData } from './index.js';
import { check, createStep, createStepRunner, from, paths } from './testing/step-runner.js';

const runner = createStepRunner();
const { folder, artifacts, run } = runner;
afterAll(runner.dispose);

describe('dataset/text', () => {
  it('takes files and folders in order, plain and gzip', async () => {
    const train = join(folder, 'train');
    await mkdir(join(train, 'inner'), { recursive: true });
    await writeFile(join(train, 'b.txt'), 'the second\n');
    await writeFile(join(train, 'a.txt.gz'), gzipSync('the first 猫\n'));
    await writeFile(join(train, '.hidden'), 'not this');
    await writeFile(join(folder, 'valid.txt'), 'of course');
    const options = { train: [train, join(folder, 'valid.txt')], valid: join(folder, 'valid.txt') };
    expect(await check('dataset/text', options)).toEqual([]);
    const corpus = await run('files', 'dataset/text', options);
    expect(paths(corpus, 'train')).toEqual([join(train, 'a.txt.gz'), join(train, 'b.txt'), join(folder, 'valid.txt')]);
    expect(Object.keys((corpus.data as CorpusData).splits)).toEqual(['train', 'valid']);
  });

  it.skipIf(process.platform === 'win32')('refuses a pipe, and passes over one in a folder', async () => {
    const pipes = join(folder, 'pipes');
    await mkdir(pipes);
    execFileSync('mkfifo', [join(pipes, 'p.txt')]);
    await writeFile(join(pipes, 'a.txt'), 'text');
    expect(paths(await run('pipes', 'dataset/text', { train: pipes }), 'train')).toEqual([join(pipes, 'a.txt')]);
    const problems = await check('dataset/text', { train: join(pipes, 'p.txt') });
    expect(problems).toMatchObject([{ message: expect.stringContaining('is neither a file nor a folder') }]);
  });

  it('its fingerprint follows the content', async () => {
    const file = join(folder, 'changing.txt');
    await writeFile(file, 'one');
    const step = createStep('dataset/text', { train: file });
    const before = await step.fingerprint!();
    expect(await step.fingerprint!()).toBe(before);
    await writeFile(file, 'two');
    expect(await step.fingerprint!()).not.toBe(before);
  });

  it('finds missing files, empty folders and files, false gzip and other encodings before anything runs', async () => {
    const at = (name: string) => join(folder, name);
    await mkdir(at('empty'));
    await writeFile(at('empty.txt'), '');
    await writeFile(at('false.gz'), 'plain text');
    await writeFile(at('latin.txt'), Buffer.from('caf\xe9 noir', 'latin1'));
    const problems = await check('dataset/text', {
      train: [at('none'), at('empty'), at('empty.txt'), at('latin.txt')],
      test: at('false.gz'),
    });
    expect(problems.map(({ path }) => path)).toEqual([
      ['train', 0],
      ['train', 1],
      ['train', 2],
      ['train', 3],
      ['test'],
    ]);
    const expected = [/no such file or folder/, /holds no file/, /is empty/, /is not UTF-8/, /its content is not gzip/];
    for (const [i, message] of expected.entries()) expect(problems[i]!.message).toMatch(message);
  });
});

describe('dataset/mirrored', () => {
  let server: Server;
  let mirror: string;
  let data: string;
  let sums: Record<string, string>;
  beforeAll(async () => {
    data = join(folder, 'mirror');
    await mkdir(join(data, 'books'), { recursive: true });
    await writeFile(join(data, 'books', 'one two.txt.gz'), gzipSync('One, two.'));
    await writeFile(join(data, 'valid.txt'), 'Three.');
    sums = {};
    for (const name of ['books/one two.txt.gz', 'valid.txt']) sums[name] = await hashFile(join(data, name));
    server = createServer(({ url }, response) => {
      response.end(readFileSync(join(data, decodeURIComponent(url!.slice('/data/'.length)))));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}/data/`;
  });
  afterAll(() => server.close());
  const named = () => ({
    train: { 'books/one two.txt.gz': sums['books/one two.txt.gz'] },
    valid: { 'valid.txt': sums['valid.txt'] },
  });

  it('reads from the root when there is one', async () => {
    const options = { root: data, mirror: null, ...named() };
    expect(await check('dataset/mirrored', options)).toEqual([]);
    expect(paths(await run('local', 'dataset/mirrored', options), 'valid')).toEqual([join(data, 'valid.txt')]);
  });

  it('downloads into its folder otherwise', async () => {
    const options = { root: null, mirror, ...named() };
    expect(await check('dataset/mirrored', options)).toEqual([]);
    const corpus = await run('downloaded', 'dataset/mirrored', options);
    const [path] = paths(corpus, 'train');
    expect(path).toBe(join(corpus.folder, 'books/one two.txt.gz'));
    expect(gunzipSync(readFileSync(path!)).toString()).toBe('One, two.');
  });

  it('says what is missing', async () => {
    const [nowhere] = await check('dataset/mirrored', { root: null, mirror: null, ...named() });
    expect(nowhere!.message).toMatch(/nowhere to take the files from/);
    expect(nowhere!.hint).toMatch(/T2R_DATA .* T2R_MIRROR/);
    const [noAddress] = await check('dataset/mirrored', { mirror: 'example.org', ...named() });
    expect(noAddress).toMatchObject({ path: ['mirror'], message: '"example.org" is no http or https address' });
    const [noRoot] = await check('dataset/mirrored', { root: join(folder, 'nowhere'), mirror, ...named() });
    expect(noRoot).toMatchObject({ path: ['root'], message: expect.stringMatching(/no such folder: .*nowhere/) });
    const changed = join(folder, 'changed');
    await cp(data, changed, { recursive: true });
    await writeFile(join(changed, 'valid.txt'), 'Four.');
    await rm(join(changed, 'books'), { recursive: true });
    const problems = await check('dataset/mirrored', { root: changed, ...named() });
    expect(problems.map(({ path }) => path)).toEqual([
      ['train', 'books/one two.txt.gz'],
      ['valid', 'valid.txt'],
    ]);
    expect(problems[0]!.message).toMatch(/no such file/);
    expect(problems[1]!.message).toMatch(/has another content than expected/);
  });

  it('refuses names that lead out of the folder', () => {
    for (const name of ['../x', '/etc/x', 'a/../../x', 'a?b']) {
      expect(() => createStep('dataset/mirrored', { train: { [name]: 'a'.repeat(64) } })).toThrow(/relative path/);
    }
  });
});

describe('dataset/synthetic', () => {
  it('is the same for a seed, and no split has a story of another', async () => {
    const sizes = { train: 100_000, valid: 20_000, test: 20_000 };
    const texts = async (id: string, options: object) => {
      const corpus = await run(id, 'dataset/synthetic', { ...sizes, ...options });
      return Object.keys(sizes).map((split) => readFileSync(paths(corpus, split)[0]!, 'utf8'));
    };
    const first = await texts('stories', {});
    expect(await texts('again', {})).toEqual(first);
    expect(await texts('other', { seed: 2 })).not.toEqual(first);
    expect(first[0]!.length).toBeGreaterThanOrEqual(100_000);
    expect(first[0]!.length).toBeLessThan(103_000);
    const stories = first.flatMap((text) => text.trim().split('\n\n'));
    expect(new Set(stories).size).toBe(stories.length);
  });

  it('its questions are answered as the story says', () => {
    const text = readFileSync(paths(artifacts.stories!, 'train')[0]!, 'utf8');
    for (const story of text.trim().split('\n\n')) {
      for (const [, thing, holder] of story.matchAll(/Who had the (\w+ \w+)\? (\w+) the/g)) {
        // The last one who was given or found the thing, or who had it from the beginning.
        const changes = story.matchAll(
          new RegExp(
            `(\\w+) had a ${thing}|gave (?:her|him) the ${thing}\\. "[^"]*" said (\\w+)|(\\w+) the \\w+ went to the \\w+ and found the ${thing}`,
            'g',
          ),
        );
        const last = [...changes].at(-1)!;
        expect(last[1] ?? last[2] ?? last[3]).toBe(holder);
      }
    }
  });
});

describe('tokenizer/train and dataset/tokens', () => {
  const readSplit = (artifact: Artifact, split: string) => {
    const reader = openTokens(artifact.folder, artifact.data as TokensData, split);
    const ids = new Int32Array(reader.length);
    reader.read(0, reader.length, ids);
    reader.close();
    return ids;
  };

  it.each([
    ['bpe', { vocab: 400 }],
    ['word', { vocab: 100 }],
    ['subword-nmt', { vocab: 200 }],
    ['subword-nmt', { vocab: 200, moses: { language: 'en' }, specialTokens: ['<sep>'] }],
    ['sentencepiece-bpe', { vocab: 150, byteFallback: false, normalization: 'identity' }],
    ['sentencepiece-unigram', { vocab: 150, characterCoverage: 1, specialTokens: ['<sep>'], specialIds: { pad: 3 } }],
  ])('%s %j: the file holds the ids of each document encoded whole', async (algorithm, options) => {
    await run('tok', 'tokenizer/train', { from: from('stories'), algorithm, ...options });
    const tokens = await run('tokens', 'dataset/tokens', { from: from('stories'), tokenizer: from('tok') });
    const data = tokens.data as TokensData;
    const tokenizer = await loadTokenizer(artifacts.tok!.folder);
    expect(tokenizer.algorithm).toBe(algorithm);
    expect(data.vocab).toBe(tokenizer.vocabSize);
    const again = await run('again', 'tokenizer/load', { path: artifacts.tok!.folder });
    const file = tokenizer.file ?? TOKENIZER_FILE;
    expect(readFileSync(join(again.folder, file))).toEqual(readFileSync(join(artifacts.tok!.folder, file)));
    for (const split of ['train', 'valid', 'test']) {
      const text = readFileSync(paths(artifacts.stories!, split)[0]!, 'utf8');
      expect(readSplit(tokens, split)).toEqual(tokenizer.encode(text));
      expect(data.splits[split]).toMatchObject({ dtype: 'uint16', bytes: text.length, documents: 1 });
    }
  });

  it('puts a separator after each document on request', async () => {
    await run('tok', 'tokenizer/train', { from: from('files'), vocab: 300, specialTokens: ['<|endoftext|>'] });
    const refs = { from: from('files'), tokenizer: from('tok') };
    const tokens = await run('tokens', 'dataset/tokens', { ...refs, separator: 'endOfText' });
    const tokenizer = await loadTokenizer(join(artifacts.tok!.folder, TOKENIZER_FILE));
    const end = '<|endoftext|>';
    expect(tokenizer.decode(readSplit(tokens, 'train'))).toBe(`the first 猫\n${end}the second\n${end}of course${end}`);
    expect((tokens.data as TokensData).splits.train).toMatchObject({ bytes: 34, documents: 3 });
  });

  it("writes fairseq's data: every line with its end, and one before the text", async () => {
    const at = (name: string) => join(folder, name);
    await writeFile(at('wiki.train'), ' \n = A <unk> title = \n \n the mill by the river \n');
    await writeFile(at('wiki.valid'), 'the weir\n\nthe end');
    await run('wiki', 'dataset/text', { train: at('wiki.train'), valid: [at('wiki.valid'), at('wiki.train')] });
    await run('tok', 'tokenizer/train', { from: from('wiki'), algorithm: 'word', vocab: 64, dictionary: 'fairseq' });
    const refs = { from: from('wiki'), tokenizer: from('tok') };
    const tokens = await run('tokens', 'dataset/tokens', { ...refs, separator: 'lineEnd', start: 'endOfText' });
    const { splits } = tokens.data as TokensData;
    // = 4, the 5, then A by mill river title; <unk> is 3, </s> 2.
    const train = [2, 4, 6, 3, 10, 4, 2, 2, 5, 8, 7, 5, 9, 2];
    expect([...readSplit(tokens, 'train')]).toEqual([2, ...train]);
    expect([...readSplit(tokens, 'valid')]).toEqual([2, 5, 3, 2, 2, 5, 3, 2, ...train]);
    expect(splits.train).toMatchObject({ tokens: 15, start: '</s>', documents: 1 });
    expect(tokens.metrics).toMatchObject({ 'train.tokens': 14, 'valid.tokens': 21 });
    expect(artifacts.tok!.metrics.vocab).toBe(16);
  });

  it('says what does not fit', async () => {
    await run('tok', 'tokenizer/train', { from: from('files'), vocab: 256 });
    const refs = { from: from('files'), tokenizer: from('tok') };
    await expect(run('x', 'dataset/tokens', { ...refs, separator: 'endOfText' })).rejects.toThrow(
      /no end-of-text token/,
    );
    await expect(run('x', 'dataset/tokens', { ...refs, start: 'endOfText' })).rejects.toThrow(/token for `start`/);
    await expect(run('x', 'dataset/tokens', { ...refs, separator: 'lineEnd' })).rejects.toThrow(/token of a line end/);
    await expect(run('x', 'tokenizer/train', { from: from('files'), vocab: 300, split: 'test' })).rejects.toThrow(
      /no split "test"/,
    );
    const [small] = await check('tokenizer/train', { from: from('files'), vocab: 200 });
    expect(small).toMatchObject({ path: ['vocab'], hint: 'give at least 256' });
    const problems = (options: object) => check('tokenizer/train', { from: from('files'), vocab: 300, ...options });
    expect(await problems({ characterCoverage: 1, moses: { language: 'en' } })).toMatchObject([
      { path: ['moses'], message: '`moses` is an option of subword-nmt, not of bpe' },
      { path: ['characterCoverage'], message: '`characterCoverage` is an option of sentencepiece, not of bpe' },
    ]);
    expect(await problems({ algorithm: 'sentencepiece-bpe', minFrequency: 3 })).toMatchObject([
      { path: ['minFrequency'] },
    ]);
    expect(await problems({ algorithm: 'sentencepiece-bpe', vocab: 100, byteFallback: true })).toMatchObject([
      { path: ['vocab'], hint: 'give at least 259' },
    ]);
    expect(await problems({ algorithm: 'sentencepiece-bpe', specialTokens: ['<unk>'] })).toMatchObject([
      { path: ['specialTokens'] },
    ]);
    const tight = { from: from('files'), algorithm: 'sentencepiece-unigram', vocab: 5 };
    await expect(run('x', 'tokenizer/train', tight)).rejects.toThrow(/cannot be trained: 5 pieces cannot hold/);
    await expect(run('x', 'tokenizer/train', { ...tight, algorithm: 'subword-nmt' })).rejects.toThrow(
      /cannot be trained: 5 entries cannot hold/,
    );
    const word = { from: from('files'), algorithm: 'word', dictionary: 'fairseq' };
    const [few] = await check('tokenizer/train', { ...word, vocab: 3 });
    expect(few).toMatchObject({ path: ['vocab'], hint: 'give at least 4' });
    const [pieces] = await check('tokenizer/train', { ...word, algorithm: 'bpe', vocab: 300 });
    expect(pieces).toMatchObject({ path: ['dictionary'], message: expect.stringContaining('holds words') });
  });
});

describe('dataset/tokens with documents: lines', () => {
  const TEXT = 'low est\r\n\nlow x';
  const encode = async (id: string, options: object) => {
    const lines = join(folder, 'lines.txt');
    await writeFile(lines, TEXT);
    await writeFile(join(folder, 'vocabulary.json'), JSON.stringify(['<unk>', '</s>', 'low', 'est']));
    await run('lines', 'dataset/text', { train: lines, test: [lines, lines] });
    await run('entries', 'tokenizer/load', { path: join(folder, 'vocabulary.json') });
    const refs = { from: from('lines'), tokenizer: from('entries'), documents: 'lines' };
    const tokens = await run(id, 'dataset/tokens', { ...refs, ...options });
    const data = tokens.data as TokensData;
    const documents = await Promise.all(
      ['train', 'test'].map(async (split) => {
        const reader = openTokens(tokens.folder, data, split);
        const ranges = await readDocuments(tokens.folder, split, data.splits[split]!);
        const ids = ranges.map(({ start, length }) => {
          const row = new Int32Array(length);
          reader.read(start, length, row);
          return [...row];
        });
        reader.close();
        return ids;
      }),
    );
    return { tokens, splits: data.splits, documents };
  };

  it('puts one token between lines where it both ends and begins them; empty lines are documents', async () => {
    const both = { start: 'endOfText', separator: 'endOfText' };
    const { tokens, splits, documents } = await encode('both', { ...both, most: { test: 4 } });
    const lines = [
      [1, 2, 3, 1],
      [1, 1],
      [1, 2, 0, 1],
    ];
    expect(documents).toEqual([lines, [...lines, lines[0]]]);
    // </s> low est </s> </s> low <unk> </s>; the line ends count as bytes.
    expect(splits.train).toMatchObject({ tokens: 8, documents: 3, start: '</s>', bytes: 'low estlow x'.length + 3 });
    expect(tokens.metrics['train.tokens']).toBe(7);
  });

  it('keeps lines apart with a start of their own, or none', async () => {
    const started = await encode('start', { start: 'endOfText' });
    expect(started.documents[0]).toEqual([[1, 2, 3], [1], [1, 2, 0]]);
    expect(started.tokens.metrics['train.tokens']).toBe(4);
    const bare = await encode('bare', {});
    expect(bare.documents[0]).toEqual([
      [2, 3],
      [2, 0],
    ]);
    expect(bare.splits.train).toMatchObject({ tokens: 4, documents: 2 });
  });

  it('refuses what does not fit', async () => {
    await expect(encode('x', { separator: 'lineEnd' })).rejects.toThrow(/lineEnd ends files/);
    const { tokens, splits } = await encode('y', {});
    const { lengths: _, ...plain } = splits.train!;
    await expect(readDocuments(tokens.folder, 'train', plain)).rejects.toThrow(/does not tell its documents apart/);
    await expect(readDocuments(tokens.folder, 'train', { ...splits.train!, tokens: 9 })).rejects.toThrow(
      /does not fit the 9 ids of 2 documents/,
    );
  });
});

describe('tokenizer/load', () => {
  it('keeps the file as it is', async () => {
    const path = join(artifacts.tok!.folder, TOKENIZER_FILE);
    const step = createStep('tokenizer/load', { path });
    expect(await step.check?.()).toEqual([]);
    const plan = step.plan!({
      engineSpec: { use: 'cpu' },
      input: () => ({}),
      create: () => expect.unreachable(),
    });
    const loaded = await run('loaded', 'tokenizer/load', { path });
    expect(readFileSync(join(loaded.folder, TOKENIZER_FILE))).toEqual(readFileSync(path));
    expect(loaded.data).toEqual({ algorithm: 'bpe', vocab: 256 });
    expect(plan.produces).toEqual({ vocab: 256 });
    const [missing] = await check('tokenizer/load', { path: `${path}.none` });
    expect(missing!.message).toMatch(/cannot read the tokenizer/);
  });
});
