/** Files that go through the library of Hugging Face, against Python's tokenizers. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HuggingFaceTokenizer } from './huggingface.js';
import { loadTokenizer } from './load.js';

interface Probe {
  text: string;
  ids: number[];
  decoded: string;
}
const fixture = (name: string) => new URL(`../fixtures/huggingface/${name}`, import.meta.url).pathname;
const probes: Record<string, Probe[]> = JSON.parse(readFileSync(fixture('probes.json'), 'utf8'));

it.each([
  ['bpe', 2],
  ['unigram', 2],
  ['wordpiece', undefined],
])('%s: what ends a text has one of the usual names', async (name, id) => {
  expect((await loadTokenizer(fixture(`${name}.tokenizer.json`))).endOfText).toBe(id);
});

describe.each(Object.keys(probes))('%s', (name) => {
  it('gives the ids and texts of Python', async () => {
    const tokenizer = await loadTokenizer(fixture(`${name}.tokenizer.json`));
    expect(tokenizer).toBeInstanceOf(HuggingFaceTokenizer);
    for (const { text, ids, decoded } of probes[name]!) {
      expect([...tokenizer.encode(text)], text).toEqual(ids);
      expect(tokenizer.decode(ids)).toBe(decoded);
      for (const id of ids) expect(tokenizer.tokenToId(tokenizer.idToToken(id)!)).toBe(id);
    }
  });

  it('passes over ids outside the vocabulary, and takes no text at all', async () => {
    const tokenizer = await loadTokenizer(fixture(`${name}.tokenizer.json`));
    const { ids, decoded } = probes[name]![0]!;
    expect(tokenizer.decode([...ids, 99_999, -1])).toBe(decoded);
    expect(tokenizer.decode([])).toBe('');
    expect(tokenizer.decode([99_999])).toBe('');
    expect(tokenizer.encode('a\ud800b')).toEqual(tokenizer.encode('a\ufffdb'));
  });
});
