/** Every kind of tokenizer file is recognised by its content; GPT-2's real vocabulary where it is at hand. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '@t2r/core';
import { afterAll, describe, expect, it } from 'vitest';
import { ByteLevelBpe } from './byte-level-bpe.js';
import { FAIRSEQ_SPECIAL, formatDict, parseDict } from './fairseq-dict.js';
import { huggingFaceFromJson } from './huggingface.js';
import { keepTokenizer } from './keep.js';
import { loadTokenizer, tokenizerFiles } from './load.js';
import { SentencePiece } from './sentencepiece/sentencepiece.js';
import { SubwordNmt } from './subword-nmt/tokenizer.js';
import { WordLevel } from './word-level.js';

const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), 't2r-load-'));
afterAll(() => rmSync(root, { recursive: true }));

let folders = 0;
function folderWith(files: Record<string, string>): string {
  const folder = join(root, String(folders++));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

interface Probe {
  text: string;
  ids: number[];
  decoded: string;
}
const probes: Probe[] = JSON.parse(readFileSync(fixture('bytelevel-bpe.json'), 'utf8'));

/** The golden tokenizer.json as GPT-2's pair of files. */
function goldenPair(): { vocab: string; merges: string } {
  const { model } = JSON.parse(readFileSync(fixture('bytelevel-bpe.tokenizer.json'), 'utf8'));
  const pairs = (model.merges as ([string, string] | string)[]).map((pair) =>
    typeof pair === 'string' ? pair : pair.join(' '),
  );
  return { vocab: JSON.stringify(model.vocab), merges: `#version: 0.2\n${pairs.join('\n')}\n` };
}

describe("GPT-2's pair of files", () => {
  const { vocab, merges } = goldenPair();
  it.each([
    ['encoder.json', 'vocab.bpe'],
    ['vocab.json', 'merges.txt'],
  ])('%s and %s, by the folder or by either of them', async (vocabName, mergesName) => {
    const folder = folderWith({ [vocabName]: vocab, [mergesName]: merges });
    for (const path of [folder, join(folder, vocabName), join(folder, mergesName)]) {
      const tokenizer = await loadTokenizer(path);
      expect(tokenizer).toBeInstanceOf(ByteLevelBpe);
      for (const { text, ids, decoded } of probes) {
        expect([...tokenizer.encode(text)]).toEqual(ids);
        expect(tokenizer.decode(ids)).toBe(decoded);
      }
      expect(tokenizer.endOfText).toBe(0);
      expect(tokenizer.encode('<|endoftext|>')).toEqual(Int32Array.of(0));
      expect(await tokenizerFiles(path)).toHaveLength(2);
    }
  });

  it('says what is missing or wrong', async () => {
    await expect(loadTokenizer(join(folderWith({ 'encoder.json': vocab }), 'encoder.json'))).rejects.toThrow(
      /merges is missing/,
    );
    await expect(loadTokenizer(join(folderWith({ 'vocab.bpe': merges }), 'vocab.bpe'))).rejects.toThrow(
      /vocabulary is missing/,
    );
    const wrong = folderWith({ 'vocab.json': vocab, 'merges.txt': `${merges}q Ġzz\n` });
    await expect(loadTokenizer(wrong)).rejects.toThrow(/the merges need the token/);
    const three = folderWith({ 'vocab.json': vocab, 'merges.txt': `${merges}a b c\n` });
    await expect(loadTokenizer(three)).rejects.toThrow(/is not a pair/);
  });
});

describe("CTranslate2's vocabulary.json", () => {
  const entries = ['<unk>', '</s>', 'low', '&quot;'];
  const load = (list: unknown) => loadTokenizer(folderWith({ 'vocabulary.json': JSON.stringify(list) }));

  it('is a list of words by id, and stays what it is as a tokenizer.json', async () => {
    const tokenizer = await load(entries);
    expect(tokenizer).toBeInstanceOf(WordLevel);
    const folder = folderWith({});
    const kept = await keepTokenizer(folderWith({ 'vocabulary.json': JSON.stringify(entries) }), folder);
    expect(kept.path).toBe(join(folder, 'tokenizer.json'));
    for (const one of [tokenizer, await loadTokenizer(folder)]) {
      expect([one.vocabSize, one.endOfText, one.endOfLine]).toEqual([4, 1, undefined]);
      expect([...one.encode('low x\n&quot;</s>low</s> ')]).toEqual([2, 0, 3, 1, 2, 1]);
    }
    // As Python's tokenizers has it: a special token is found wherever it stands.
    const library = await huggingFaceFromJson(JSON.parse(readFileSync(kept.path, 'utf8')), '');
    expect([...library.encode('low x\n&quot;</s>low</s> ')]).toEqual([2, 0, 3, 1, 2, 1]);
  });

  it('says what is wrong with it', async () => {
    await expect(load(['a', 'b'])).rejects.toThrow(/no entry for unknown words/);
    await expect(load(['<unk>', 'a', 'a'])).rejects.toThrow(/an entry twice/);
    await expect(load(['<unk>', 1])).rejects.toThrow(/no list of entries/);
  });
});

const DICT = 'low 5\nlow@@ 3\nest 2\nmadeupword0000 0\n';
const CODES = '#version: 0.2\nl o\ns t</w>\nlo w</w>\ne st</w>\nlo w\n';

describe('fairseq and subword-nmt', () => {
  it('a dict.txt', async () => {
    const tokenizer = await loadTokenizer(folderWith({ 'dict.en.txt': DICT }));
    expect(tokenizer).toBeInstanceOf(WordLevel);
    expect([0, 1, 2, 3, 4, 7].map((id) => tokenizer.idToToken(id))).toEqual([
      ...FAIRSEQ_SPECIAL,
      'low',
      'madeupword0000',
    ]);
    expect([...tokenizer.encode('low est x\n')]).toEqual([4, 6, 3, 2]);
    expect(tokenizer.endOfText).toBe(2);
  });

  it('writes a dict.txt', () => {
    const counts = new Map([
      ['low', 5],
      ['low@@', 3],
      ['est', 2],
    ]);
    expect(formatDict(parseDict(DICT), (token) => counts.get(token) ?? 0)).toBe(DICT);
    expect(() => parseDict('a 1\na 2\n')).toThrow(/line 2 repeats/);
    expect(parseDict('<unk> 7 #fairseq:overwrite\n')).toHaveLength(5);
    expect(() => parseDict('a 1\nb\n')).toThrow(/line 2/);
  });

  it('codes with a dict.txt beside them', async () => {
    const folder = folderWith({ bpecodes: CODES, 'dict.en.txt': DICT });
    for (const path of [folder, join(folder, 'bpecodes')]) {
      const tokenizer = await loadTokenizer(path);
      expect(tokenizer).toBeInstanceOf(SubwordNmt);
      expect([...tokenizer.encode('low lowest x\n')]).toEqual([4, 5, 6, 3, 2]);
    }
  });

  it('codes alone have a vocabulary of all they can give', async () => {
    const path = join(folderWith({ 'any.name': CODES }), 'any.name');
    const tokenizer = await loadTokenizer(path);
    expect(tokenizer.decode(tokenizer.encode('lowest low\nlow'))).toBe('lowest low\nlow');
  });

  it('two dictionaries need a choice', async () => {
    await expect(loadTokenizer(folderWith({ 'dict.en.txt': DICT, 'dict.de.txt': DICT }))).rejects.toThrow(
      /several dictionaries/,
    );
  });
});

describe('SentencePiece', () => {
  it('in a folder, and under any name', async () => {
    for (const name of ['spiece.model', 'something.bin']) {
      const folder = folderWith({});
      copyFileSync(fixture('sentencepiece/bpe.model'), join(folder, name));
      const path = name.endsWith('.model') ? folder : join(folder, name);
      expect(await loadTokenizer(path)).toBeInstanceOf(SentencePiece);
    }
  });

  it('damaged', async () => {
    const path = join(folderWith({ 'tokenizer.model': 'not a model' }), 'tokenizer.model');
    await expect(loadTokenizer(path)).rejects.toThrow(/is no usable SentencePiece model/);
  });
});

describe('what is no tokenizer', () => {
  it.each([
    ['text', 'Call me Ishmael. Some years ago, never mind how long precisely.\nHaving little or no money\n'],
    ['nothing', ''],
    ['a list', '[1, 2]'],
    ['half of JSON', '{"model": {'],
    ['JSON of another kind', '{"architectures": ["GPT2LMHeadModel"]}'],
    ['bytes', '\0\x01\x02'],
  ])('%s', async (_, text) => {
    const path = join(folderWith({ file: text }), 'file');
    await expect(loadTokenizer(path)).rejects.toBeInstanceOf(UserError);
  });

  it('an empty folder, and none at all', async () => {
    await expect(loadTokenizer(folderWith({}))).rejects.toThrow(/no tokenizer in the folder/);
    await expect(loadTokenizer(join(root, 'none'))).rejects.toThrow(/cannot read the tokenizer/);
  });
});

const data = process.env.T2R_DATA;
describe.skipIf(data === undefined)("GPT-2's real vocabulary", () => {
  it('gives the known ids and every text back', async () => {
    const tokenizer = await loadTokenizer(join(data!, 'gpt2-vocab'));
    expect(tokenizer.vocabSize).toBe(50257);
    expect(tokenizer.endOfText).toBe(50256);
    expect([...tokenizer.encode('Hello world')]).toEqual([15496, 995]);
    const lines = readFileSync(join(data!, 'wikitext', 'wiki.valid.raw'), 'utf8').split('\n');
    for (const text of [...lines, ...probes.map((probe) => probe.text)]) {
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    }
  });
});
