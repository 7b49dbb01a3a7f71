/** SentencePiece models against Python's sentencepiece: goldens of four models, and the holes of the wasm build. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { TextStream } from '../text-stream.js';
import { openCharsmap } from './charsmap.js';
import { doubleArrayEntries } from './double-array.js';
import { readModel, writeModel } from './model-file.js';
import { normalizationRules } from './nfkc-rules.js';
import { SentencePiece } from './sentencepiece.js';

interface Probe {
  text: string;
  ids: number[];
  pieces: string[];
  decoded: string;
}
const fixture = (name: string) => new URL(`../../fixtures/sentencepiece/${name}`, import.meta.url).pathname;
const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(`${name}.model`)));
const probesOf = (name: string): Probe[] => JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8'));
const NAMES = ['unigram', 'unigram-bytes', 'bpe', 'bpe-bytes'];

describe.each(NAMES)('golden %s', (name) => {
  const open = SentencePiece.open(bytesOf(name));

  it('gives every id, piece and decoded text of Python', async () => {
    const tokenizer = await open;
    for (const { text, ids, pieces, decoded } of probesOf(name)) {
      expect([...tokenizer.encode(text)], JSON.stringify(text)).toEqual(ids);
      // Python's pieces of an unknown stretch are its text.
      expect(pieces.map((piece) => tokenizer.tokenToId(piece) ?? 0)).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
    }
  });

  it('streams what it decodes', async () => {
    const tokenizer = await open;
    for (const { ids, decoded } of probesOf(name)) {
      const stream = new TextStream(tokenizer);
      expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(decoded);
    }
  });

  it('is cut at line ends without changing the ids', async () => {
    const tokenizer = await open;
    const text = 'The cat sat.\n\nOn the  mat \n and ate\n';
    const cut = tokenizer.cutPoint(text);
    expect(cut).toBe(text.length - 1);
    for (let end = 1; end < text.length; end++) {
      const at = tokenizer.cutPoint(text.slice(0, end));
      const parts = [...tokenizer.encode(text.slice(0, at)), ...tokenizer.encode(text.slice(at))];
      expect(parts).toEqual([...tokenizer.encode(text)]);
    }
  });

  it('reads and writes the file', async () => {
    const model = readModel(bytesOf(name));
    expect(model.pieces).toHaveLength(1200);
    expect(model.trainer.modelType).toBe(name.split('-')[0]);
    expect(model.trainer.byteFallback).toBe(name.endsWith('-bytes'));
    const written = writeModel(model);
    expect(readModel(written)).toEqual(model);
    const again = await SentencePiece.open(written);
    for (const { text, ids } of probesOf(name)) expect([...again.encode(text)]).toEqual(ids);
    const folder = await mkdtemp(join(tmpdir(), 't2r-sp-'));
    await (await open).save(join(folder, 'm.model'));
    expect(new Uint8Array(await readFile(join(folder, 'm.model')))).toEqual(bytesOf(name));
    await rm(folder, { recursive: true });
  });
});

describe('the wrapper around the wasm build', () => {
  it('knows the special pieces', async () => {
    const tokenizer = await SentencePiece.open(bytesOf('bpe'));
    expect(tokenizer.algorithm).toBe('sentencepiece-bpe');
    expect(tokenizer.vocabSize).toBe(1200);
    expect(tokenizer.endOfText).toBe(2);
    expect(tokenizer.piece(0)).toEqual({ text: '<unk>', score: 0, type: 'unknown' });
    expect(tokenizer.idToToken(99_999)).toBeUndefined();
    expect(tokenizer.tokenToId('no such piece')).toBeUndefined();
  });

  it('leaves process alone, however many models are loaded', async () => {
    const count = () => process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection');
    const before = count();
    for (let i = 0; i < 12; i++) await SentencePiece.open(bytesOf('unigram'));
    expect(count()).toBe(before);
  });

  it('passes over ids outside the vocabulary', async () => {
    const tokenizer = await SentencePiece.open(bytesOf('unigram'));
    const ids = [...tokenizer.encode('The cat')];
    expect(tokenizer.decode([ids[0]!, -1, 1200, 1e9, ...ids.slice(1)])).toBe('The cat');
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([5000])).toBe('');
  });

  it('keeps a byte order mark at the beginning', async () => {
    const tokenizer = await SentencePiece.open(bytesOf('bpe-bytes'));
    // nmt_nfkc makes it a space, but ids may stand for its bytes; the wasm build loses them in longer texts.
    const mark = ['<0xEF>', '<0xBB>', '<0xBF>'].map((piece) => tokenizer.tokenToId(piece)!);
    const text = 'the cat sat on the mat and on the other mat';
    expect(tokenizer.decode([...mark, ...tokenizer.encode(text)])).toBe(`\ufeff ${text}`);
    expect(tokenizer.decode([1, ...mark, ...tokenizer.encode('a')])).toBe('\ufeff a');
  });

  it('reads a lone surrogate as U+FFFD and nothing else', async () => {
    const tokenizer = await SentencePiece.open(bytesOf('bpe-bytes'));
    expect([...tokenizer.encode('a\ud800b')]).toEqual([...tokenizer.encode('a\ufffdb')]);
  });

  it.each([
    ['no message', (bytes: Uint8Array) => bytes.fill(0x7b), /wire type|number|cut off/],
    ['cut off', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1000), /cut off/],
    ['cut off within the charsmap', changed((model) => cutCharsmap(model)), /charsmap/],
    [
      'no unknown piece',
      changed(({ pieces }) => {
        pieces[0]!.type = 'control';
      }),
      /0 unknown pieces/,
    ],
    [
      'a piece twice',
      changed(({ pieces }) => {
        pieces[7]!.text = pieces[9]!.text;
      }),
      /there twice/,
    ],
    [
      'a score that is no number',
      changed(({ pieces }) => {
        pieces[7]!.score = Number.NaN;
      }),
      /score of piece 7/,
    ],
    [
      'an empty piece',
      changed(({ pieces }) => {
        pieces[7]!.text = '';
      }),
      /piece 7 is empty/,
    ],
    [
      'bytes missing',
      changed(({ trainer }) => {
        trainer.byteFallback = true;
      }),
      /0 bytes instead of 256/,
    ],
  ])('refuses a model with %s', async (_, change, message) => {
    await expect(SentencePiece.open(change(bytesOf('unigram')))).rejects.toThrow(message);
  });
});

const data = process.env.T2R_DATA;
describe.skipIf(data === undefined)('models from elsewhere', () => {
  it.each([
    ['test_model.model', 'test_model.botchan.jsonl'],
    ['onmt_sample.sp.model', 'onmt_sample.botchan.jsonl'],
  ])('%s gives the ids and texts of Python', async (model, lines) => {
    const folder = join(data!, 'sentencepiece');
    const tokenizer = await SentencePiece.open(new Uint8Array(readFileSync(join(folder, model))));
    for (const line of readFileSync(join(folder, lines), 'utf8').trimEnd().split('\n')) {
      const { text, ids, decoded } = JSON.parse(line) as Probe;
      expect([...tokenizer.encode(text)]).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
    }
  });
});

describe('nmt_nfkc', () => {
  it('has the rules of Python, except for characters that this version of Node does not know', () => {
    const rules = normalizationRules('nmt_nfkc');
    const { units, replacements } = openCharsmap(readModel(bytesOf('unigram')).normalizer.charsmap);
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    let golden = 0;
    for (const { key, value } of doubleArrayEntries(units)) {
      const source = decoder.decode(key);
      if (/\p{Cn}/u.test(source)) continue;
      golden++;
      const target = decoder.decode(replacements.subarray(value, replacements.indexOf(0, value)));
      if (rules.get(source) !== target) expect([source, rules.get(source)]).toEqual([source, target]);
    }
    expect(rules.size).toBe(golden);
  });
});

function changed(change: (model: ReturnType<typeof readModel>) => void) {
  return (bytes: Uint8Array) => {
    const model = readModel(bytes);
    change(model);
    return writeModel(model);
  };
}

function cutCharsmap(model: ReturnType<typeof readModel>): void {
  model.normalizer.charsmap = model.normalizer.charsmap.subarray(0, 100_000);
}
