/** Training against Python's tokenizers (fixtures/make-trained.py), and streamed text against whole strings. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '@t2r/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer } from './load.js';
import { safePieces } from './pieces.js';
import { forEachWord, lastWordStart } from './pre-tokenize.js';
import { TextStream } from './text-stream.js';
import { trainByteLevelBpe, trainWordLevel } from './train.js';

interface BpeCase {
  texts: string[];
  vocab: number;
  minFrequency: number;
  specialTokens: string[];
  probe: string;
  ids: number[];
  merges: [string, string][];
  sha256: string;
}
interface WordCase {
  texts: string[];
  vocab: number;
  probe: string;
  ids: number[];
  tokens: string[];
}
const fixtures: { bpe: BpeCase[]; word: WordCase } = JSON.parse(
  readFileSync(new URL('../fixtures/trained.json', import.meta.url), 'utf8'),
);

interface FairseqCase {
  texts: string[];
  vocab: number;
  minFrequency: number;
  tokens: string[];
  probes: { text: string; ids: number[] }[];
}
const fairseq: FairseqCase[] = JSON.parse(readFileSync(new URL('../fixtures/fairseq.json', import.meta.url), 'utf8'));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-train-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('byte-level BPE', () => {
  it.each(fixtures.bpe.map((each, i) => [i, each] as const))('case %i: the file is that of Python', async (i, each) => {
    const tokenizer = await trainByteLevelBpe(each.texts, each);
    const path = join(folder, `${i}.json`);
    await tokenizer.save(path);
    const text = await readFile(path, 'utf8');
    expect(JSON.parse(text).model.merges).toEqual(each.merges);
    expect(createHash('sha256').update(text).digest('hex')).toBe(each.sha256);
    for (const one of [tokenizer, await loadTokenizer(path)]) {
      expect([...one.encode(each.probe)]).toEqual(each.ids);
      expect(one.decode(one.encode(each.probe))).toBe(each.probe);
    }
  });

  it('gives the same for text in pieces', async () => {
    const [{ texts, vocab, sha256 }] = fixtures.bpe as [BpeCase];
    const pieces = async function* () {
      for (let i = 0; i < texts[0]!.length; i += 7) yield texts[0]!.slice(i, i + 7);
    };
    const path = join(folder, 'pieces.json');
    await (await trainByteLevelBpe([pieces()], { vocab })).save(path);
    expect(
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex'),
    ).toBe(sha256);
  });

  it('stops when asked to', async () => {
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(trainByteLevelBpe(['a b'], { vocab: 300, signal })).rejects.toThrow('stop');
  });
});

describe('word level', () => {
  const { texts, vocab, probe, ids, tokens } = fixtures.word;
  it('has the vocabulary and ids of Python', async () => {
    const tokenizer = await trainWordLevel(texts, { vocab });
    expect(tokens.map((_, id) => tokenizer.idToToken(id))).toEqual(tokens);
    expect(tokenizer.vocabSize).toBe(tokens.length);
    expect([...tokenizer.encode(probe)]).toEqual(ids);
    const path = join(folder, 'word.json');
    await tokenizer.save(path);
    const again = await loadTokenizer(path);
    expect(again.algorithm).toBe('word');
    expect([...again.encode(probe)]).toEqual(ids);
    expect(again.endOfText).toBe(1);
  });

  it('decodes words and lines, all at once and one by one', async () => {
    const tokenizer = await trainWordLevel(['a b c'], { vocab: 10 });
    const encoded = tokenizer.encode('a  b x\nc\n\na');
    expect(tokenizer.decode(encoded)).toBe('a b <unk>\nc\n\na');
    const stream = new TextStream(tokenizer);
    expect([...encoded].map((id) => stream.push(id)).join('') + stream.end()).toBe('a b <unk>\nc\n\na');
  });

  it('keeps words that occur often enough; line ends can be mere space', async () => {
    const tokenizer = await trainWordLevel(['a\na b 10 10 __proto__ __proto__'], {
      vocab: 100,
      minFrequency: 2,
      endOfLine: false,
    });
    expect([0, 1, 2, 3].map((id) => tokenizer.idToToken(id))).toEqual(['<unk>', '10', '__proto__', 'a']);
    const path = join(folder, 'plain.json');
    await tokenizer.save(path);
    const again = await loadTokenizer(path);
    expect([...again.encode('a\nb __proto__ 10')]).toEqual([3, 0, 2, 1]);
    expect(again.endOfText).toBeUndefined();
  });
});

describe("word level, fairseq's dictionary", () => {
  it.each(fairseq.map((each, i) => [i, each] as const))('case %i: its entries and ids', async (i, each) => {
    const vocab = each.vocab < 0 ? 1000 : each.vocab;
    const options = { vocab, minFrequency: each.minFrequency, dictionary: 'fairseq' } as const;
    const tokenizer = await trainWordLevel(each.texts, options);
    const path = join(folder, `fairseq-${i}.json`);
    await tokenizer.save(path);
    for (const one of [tokenizer, await loadTokenizer(path)]) {
      expect(Array.from({ length: one.vocabSize }, (_, id) => one.idToToken(id))).toEqual(each.tokens);
      expect([one.endOfText, one.endOfLine, one.tokenToId('<unk>')]).toEqual([2, 2, 3]);
      for (const { text, ids } of each.probes) {
        // Encoding adds nothing, so that a prompt stays open: the line end that a last line lacks comes with the data.
        expect([...one.encode(text), ...(text.endsWith('\n') ? [] : [2])]).toEqual(ids);
      }
    }
  });

  it('has further special entries after its own, and keeps </s> where line ends are space', async () => {
    const options = { vocab: 9, dictionary: 'fairseq', specialTokens: ['<mask>', '<s>'], endOfLine: false } as const;
    const tokenizer = await trainWordLevel(['b a\nb c d e f'], options);
    expect(Array.from({ length: 16 }, (_, id) => tokenizer.idToToken(id))).toEqual([
      ...['<s>', '<pad>', '</s>', '<unk>', '<mask>', 'b', 'a', 'c', 'd'],
      ...Array.from({ length: 7 }, (_, i) => `madeupword000${i}`),
    ]);
    expect(tokenizer.endOfLine).toBeUndefined();
    expect([...tokenizer.encode('b\nb')]).toEqual([5, 5]);
  });
});

describe('cutting text', () => {
  const random = createRandom('cutting', 1);
  const alphabet = ['a', 'b', ' ', '  ', '\n', "'s", "'", '1', '!', '\u00a0', '\u0085', '\ufeff', '猫', '😀'];
  const text = Array.from({ length: 30_000 }, () => alphabet[random.integer(alphabet.length)]).join('');
  const words = (part: string) => {
    const found: string[] = [];
    forEachWord(part, (word) => found.push(word));
    return found;
  };

  it('at a word start does not change the words', () => {
    const whole = words(text);
    expect(whole.join('')).toBe(text);
    for (let end = 1; end < 300; end++) {
      const cut = lastWordStart(text, end);
      expect([...words(text.slice(0, cut)), ...words(text.slice(cut, 1000))]).toEqual(words(text.slice(0, 1000)));
    }
  });

  it('into streamed pieces neither, and nothing is lost', async () => {
    const source = function* () {
      for (let i = 0; i < 10; i++) yield text;
    };
    const pieces: string[] = [];
    for await (const piece of safePieces(source(), lastWordStart)) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.flatMap(words)).toEqual(words(text.repeat(10)));
  });

  it('text without white space comes in one piece', async () => {
    const pieces: string[] = [];
    for await (const piece of safePieces(Array(50).fill('x'.repeat(10_000)), lastWordStart)) pieces.push(piece);
    expect(pieces.map(({ length }) => length)).toEqual([500_000]);
    expect(words(pieces[0]!)).toEqual(pieces);
  });
});
