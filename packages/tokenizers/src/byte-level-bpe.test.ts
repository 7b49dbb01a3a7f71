/** Byte-level BPE against Python's tokenizers: a golden tokenizer.json with its ids, and odd texts. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ByteLevelBpe } from './byte-level-bpe.js';
import { parseTokenizer } from './from-contents.js';
import { HuggingFaceTokenizer } from './huggingface.js';
import { loadTokenizer } from './load.js';
import { TextStream } from './text-stream.js';

interface Probe {
  text: string;
  ids: number[];
  tokens: string[];
  decoded: string;
}
const fixture = (name: string) => new URL(`../fixtures/${name}`, import.meta.url).pathname;
const goldenPath = fixture('bytelevel-bpe.tokenizer.json');
const probes: Probe[] = JSON.parse(readFileSync(fixture('bytelevel-bpe.json'), 'utf8'));

let folder: string;
let golden: ByteLevelBpe;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-bpe-'));
  golden = (await loadTokenizer(goldenPath)) as ByteLevelBpe;
});
afterAll(() => rm(folder, { recursive: true }));

describe('a golden tokenizer.json', () => {
  it('is recognised', () => {
    expect(golden).toBeInstanceOf(ByteLevelBpe);
    expect(golden.vocabSize).toBe(1500);
    expect(golden.endOfText).toBe(0);
    expect(golden.tokenToId('Ġthe')).toBe(probes[0]!.ids[6]);
  });

  it.each(probes.map((probe) => [JSON.stringify(probe.text).slice(0, 60), probe] as const))('%s', (_, probe) => {
    const ids = golden.encode(probe.text);
    expect([...ids]).toEqual(probe.ids);
    expect([...ids].map((id) => golden.idToToken(id))).toEqual(probe.tokens);
    expect(golden.decode(ids)).toBe(probe.decoded);
  });

  it('agrees with the library of Hugging Face', async () => {
    const text = readFileSync(goldenPath, 'utf8');
    const { Tokenizer } = await import('@huggingface/tokenizers');
    const library = new HuggingFaceTokenizer(new Tokenizer(JSON.parse(text), {}), 'bpe', text);
    for (const probe of probes) expect([...library.encode(probe.text)]).toEqual(probe.ids);
    expect(library.decode([])).toBe('');
    expect(library.vocabSize).toBe(1500);
  });

  it('is written and read again', async () => {
    const path = join(folder, 'again.json');
    await golden.save(path);
    const again = await loadTokenizer(path);
    for (const { text, ids } of probes) expect([...again.encode(text)]).toEqual(ids);
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(JSON.parse(readFileSync(goldenPath, 'utf8')));
  });

  it('finds special tokens in the text', () => {
    const ids = golden.encode('The cat<|endoftext|>The cat');
    const half = golden.encode('The cat');
    expect([...ids]).toEqual([...half, 0, ...half]);
    expect(golden.decode(ids)).toBe('The cat<|endoftext|>The cat');
  });
});

describe('bytes', () => {
  it('lone surrogates become U+FFFD', () => {
    expect(golden.decode(golden.encode('a\uD800b\uDC00'))).toBe('a\uFFFDb\uFFFD');
  });

  it('lengths add up to the UTF-8 length of the text', () => {
    const lengths = golden.byteLengths();
    for (const { text } of probes) {
      const total = golden.encode(text).reduce((sum, id) => sum + lengths[id]!, 0);
      expect(total).toBe(Buffer.byteLength(text));
    }
  });

  it('an id outside the vocabulary stands for no text', () => {
    expect(golden.decode([508, 99_999, 508])).toBe('TheThe');
  });

  it('long words do not take quadratic time', () => {
    const word = 'ab'.repeat(100_000);
    expect(golden.decode(golden.encode(word))).toBe(word);
  }, 60_000);
});

describe('streaming', () => {
  it.each(probes.map(({ text, ids }) => [JSON.stringify(text).slice(0, 60), text, ids] as const))(
    '%s',
    (_, text, ids) => {
      const stream = new TextStream(golden);
      const pieces = ids.map((id) => stream.push(id));
      expect(pieces.join('') + stream.end()).toBe(text);
      expect(pieces.some((piece) => piece.includes('\uFFFD'))).toBe(false);
    },
  );

  it('an unfinished character comes out at the end as U+FFFD', () => {
    const stream = new TextStream(golden);
    const [first] = golden.encode('猫');
    expect(stream.push(first!)).toBe('');
    expect(stream.end()).toBe('\uFFFD');
  });
});

describe('files that are no tokenizer', () => {
  const text = readFileSync(goldenPath, 'utf8');
  it.each([
    ['cut off', text.slice(0, 1000), /x\.json is no usable tokenizer\.json: not valid JSON, perhaps cut off/],
    ['another JSON', '{"a":1}', /it has no model\.vocab/],
    ['null', 'null', /it has no model\.vocab/],
    ['a merge without an id', text.replace('["Ġ","t"]', '["Ġ","qqq"]'), /the merges need the token "qqq"/],
  ])('%s', async (_, content, message) => {
    await expect(parseTokenizer(content, 'x.json')).rejects.toThrow(message);
  });

  it('a missing file', async () => {
    await expect(loadTokenizer(join(folder, 'none.json'))).rejects.toThrow(/cannot read the tokenizer .*none\.json/);
  });

  it('other pre-tokenisers go through the library', async () => {
    const file = JSON.parse(text);
    file.pre_tokenizer.add_prefix_space = true;
    const tokenizer = await parseTokenizer(JSON.stringify(file), 'x.json');
    expect(tokenizer).toBeInstanceOf(HuggingFaceTokenizer);
    expect([...tokenizer.encode('the cat')]).toEqual([...golden.encode(' the cat')]);
    const stream = new TextStream(tokenizer);
    const ids = [...tokenizer.encode(' 猫 cat')];
    expect(ids.map((id) => stream.push(id)).join('') + stream.end()).toBe(' 猫 cat');
  });
});
