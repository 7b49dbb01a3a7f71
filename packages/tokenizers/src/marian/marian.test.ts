/** Marian's tokenizers against transformers' MarianTokenizer (fixtures/make-marian.py). */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepTokenizer } from '../keep.js';
import { loadTokenizer, tokenizerFiles } from '../load.js';
import { sourceTokenizerFiles } from '../load-folder.js';
import type { Tokenizer } from '../types.js';
import { MarianTokenizer } from './tokenizer.js';

const fixture = (name: string) => new URL(`../../fixtures/marian/${name}`, import.meta.url).pathname;

interface Cases {
  sources: { text: string; ids: number[] }[];
  targets: { text: string; ids: number[]; decoded: string }[];
  decoded: { ids: number[]; text: string }[];
}
const expected: Record<'shared' | 'separate', Cases> = JSON.parse(readFileSync(fixture('expected.json'), 'utf8'));

const root = mkdtempSync(join(tmpdir(), 't2r-marian-'));
afterAll(() => rmSync(root, { recursive: true }));

/** A folder as Helsinki-NLP's models have it. */
function modelFolder(vocabs: Record<string, string>): string {
  const folder = mkdtempSync(join(root, 'model-'));
  for (const name of ['source.spm', 'target.spm']) copyFileSync(fixture(name), join(folder, name));
  for (const [name, from] of Object.entries(vocabs)) copyFileSync(fixture(from), join(folder, name));
  return folder;
}

const VOCABS = {
  shared: { 'vocab.json': 'vocab.json' },
  separate: { 'vocab.json': 'source_vocab.json', 'target_vocab.json': 'target_vocab.json' },
};

describe.each(['shared', 'separate'] as const)('a pair of tokenizers, vocabulary %s', (name) => {
  const { sources, targets, decoded } = expected[name];
  const folder = modelFolder(VOCABS[name]);
  let source: Tokenizer;
  let target: Tokenizer;
  beforeAll(async () => {
    source = await loadTokenizer((await sourceTokenizerFiles(folder))[0]!);
    target = await loadTokenizer(folder);
  });

  it("has Python's ids of sources and targets", () => {
    for (const { text, ids } of sources) expect([...source.encode(text)], JSON.stringify(text)).toEqual(ids);
    for (const { text, ids } of targets) expect([...target.encode(text)], JSON.stringify(text)).toEqual(ids);
  });

  it("decodes to Python's text", () => {
    for (const { ids, decoded: text } of targets) expect(target.decode(ids)).toBe(text);
    for (const { ids, text } of decoded) expect(target.decode(ids)).toBe(text);
  });

  it('is kept as one file for each side', async () => {
    const kept = await keepTokenizer(folder, root);
    const keptSource = await keepTokenizer(join(folder, 'source.spm'), root, 'source-');
    expect([kept.path, keptSource.path]).toEqual([join(root, 'tokenizer.json'), join(root, 'source-tokenizer.json')]);
    const again = await loadTokenizer(root);
    const [file] = await sourceTokenizerFiles(root);
    const sourceAgain = await loadTokenizer(file!);
    for (const { text, ids } of sources) expect([...sourceAgain.encode(text)]).toEqual(ids);
    for (const { ids, text } of decoded) expect(again.decode(ids)).toBe(text);
    expect((again as MarianTokenizer).vocab).toEqual((target as MarianTokenizer).vocab);
    const copy = join(root, 'copy.json');
    await again.save(copy);
    expect(readFileSync(copy, 'utf8')).toBe(readFileSync(kept.path, 'utf8'));
  });
});

describe('the files of a pair', () => {
  it('are the target by the folder, and either side by its name', async () => {
    const folder = modelFolder(VOCABS.separate);
    const at = (...names: string[]) => names.map((name) => join(folder, name));
    expect(await tokenizerFiles(folder)).toEqual(at('target.spm', 'target_vocab.json'));
    expect(await tokenizerFiles(join(folder, 'target.spm'))).toEqual(at('target.spm', 'target_vocab.json'));
    expect(await tokenizerFiles(join(folder, 'source.spm'))).toEqual(at('source.spm', 'vocab.json'));
    expect(await sourceTokenizerFiles(folder)).toEqual(at('source.spm', 'vocab.json'));
    const tokenizer = await loadTokenizer(folder);
    expect(tokenizer).toBeInstanceOf(MarianTokenizer);
    expect([tokenizer.endOfText, tokenizer.tokenToId('<unk>'), tokenizer.cutPoint('a b')]).toEqual([0, 1, 0]);
    expect(readdirSync(folder)).toHaveLength(4);
  });

  it('leave alone a folder with a tokenizer.json, and a SentencePiece model without a vocabulary beside it', async () => {
    const folder = modelFolder(VOCABS.shared);
    const bare = mkdtempSync(join(root, 'bare-'));
    copyFileSync(fixture('source.spm'), join(bare, 'source.spm'));
    expect((await loadTokenizer(bare)).algorithm).toBe('sentencepiece-unigram');
    await keepTokenizer(folder, folder);
    expect(await tokenizerFiles(folder)).toEqual([join(folder, 'tokenizer.json')]);
    expect(await sourceTokenizerFiles(folder)).toEqual([]);
  });

  it('are refused where they are damaged', async () => {
    const folder = modelFolder(VOCABS.shared);
    writeFileSync(join(folder, 'vocab.json'), '{"</s>": 0}');
    await expect(loadTokenizer(folder)).rejects.toThrow(/target.spm is no usable tokenizer of Marian .*no entry <unk>/);
    writeFileSync(join(folder, 'vocab.json'), '{"</s>": 0, "<unk>"');
    await expect(loadTokenizer(folder)).rejects.toThrow(/target.spm is no usable tokenizer of Marian/);
    writeFileSync(join(folder, 'vocab.json'), '{"</s>": -1, "<unk>": 1}');
    await expect(loadTokenizer(folder)).rejects.toThrow(/no mapping from pieces to ids/);
    const json = join(root, 'damaged.json');
    writeFileSync(json, '{"model": {"type": "Marian", "spm": "!", "vocab": {"</s>": 0, "<unk>": 1}}}');
    await expect(loadTokenizer(json)).rejects.toThrow(/no usable tokenizer.json: model.spm/);
  });
});
