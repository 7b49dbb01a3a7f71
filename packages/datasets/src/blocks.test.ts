/** Token files, training blocks and evaluation windows. */
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBlocks } from './blocks.js';
import { openTokens, tokenDtype, writeTokens } from './token-file.js';
import type { TokenReader, TokensData } from './types.js';
import { evaluationWindows } from './windows.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 't2r-blocks-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function writeSplit(name: string, vocab: number, parts: number[][]): Promise<TokensData> {
  const dtype = tokenDtype(vocab);
  const file = `${name}.bin`;
  const source = (async function* () {
    for (const part of parts) yield Int32Array.from(part);
  })();
  const tokens = await writeTokens(join(folder, file), dtype, source);
  return { vocab, unit: 'word', splits: { train: { file, dtype, tokens, bytes: 0, documents: 1 } } };
}

/** A split whose ids are 0, 1, 2, ...: an id tells where it stands. */
async function counting(length: number): Promise<TokenReader> {
  const ids = Array.from({ length }, (_, i) => i);
  return openTokens(folder, await writeSplit(`counting-${length}`, length, [ids]), 'train');
}

describe('token files', () => {
  it.each([
    ['uint16', 65_536, [0, 1, 65_535, 40_000, 7]],
    ['uint32', 65_537, [0, 1, 65_536, 40_000, 7]],
  ] as const)('%s', async (dtype, vocab, ids) => {
    const data = await writeSplit(dtype, vocab, [ids.slice(0, 2), [], ids.slice(2)]);
    expect(data.splits.train).toMatchObject({ dtype, tokens: 5 });
    const reader = openTokens(folder, data, 'train');
    const out = new Int32Array(6).fill(-1);
    reader.read(1, 4, out, 1);
    expect([...out]).toEqual([-1, ...ids.slice(1), -1]);
    expect(() => reader.read(2, 4, out)).toThrow(RangeError);
    reader.close();
  });

  it('missing, cut off, or another split', async () => {
    const data = await writeSplit('cut', 10, [[1, 2, 3]]);
    expect(() => openTokens(folder, data, 'test')).toThrow(/no split "test"/);
    await truncate(join(folder, 'cut.bin'), 5);
    expect(() => openTokens(folder, data, 'train')).toThrow(/has 5 bytes, expected 6/);
    await rm(join(folder, 'cut.bin'));
    expect(() => openTokens(folder, data, 'train')).toThrow(/cannot read the token file/);
  });
});

describe('blocks', () => {
  const [block, batch] = [8, 4];

  it.each(['random', 'epochs'] as const)('%s: targets follow inputs; a step is always the same', async (order) => {
    const reader = await counting(200);
    const blocks = createBlocks(reader, { block, batch, seed: 3, order });
    const first = blocks.batch(5);
    for (let row = 0; row < batch; row++) {
      const start = first.inputs[row * block]!;
      for (let t = 0; t < block; t++) {
        expect(first.inputs[row * block + t]).toBe(start + t);
        expect(first.targets[row * block + t]).toBe(start + t + 1);
      }
    }
    const fresh = createBlocks(reader, { block, batch, seed: 3, order });
    const reused = { inputs: new Int32Array(batch * block), targets: new Int32Array(batch * block) };
    expect(fresh.batch(5, reused)).toBe(reused);
    expect(reused).toEqual(first);
    expect(createBlocks(reader, { block, batch, seed: 4, order }).batch(5)).not.toEqual(first);
    expect(blocks.batch(6)).not.toEqual(first);
  });

  it('random: every place of the split is reached, the first and the last too', async () => {
    const blocks = createBlocks(await counting(block + 5), { block, batch, seed: 1, order: 'random' });
    const starts = new Set<number>();
    for (let step = 0; step < 100; step++) {
      const { inputs } = blocks.batch(step);
      for (let row = 0; row < batch; row++) starts.add(inputs[row * block]!);
    }
    expect([...starts].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it('epochs: each block once an epoch, in another order each time', async () => {
    // 10 blocks and a tail of 4; batches of 4 reach over the ends of epochs.
    const blocks = createBlocks(await counting(85), { block, batch, seed: 1, order: 'epochs' });
    expect(blocks.count).toBe(10);
    const starts: number[] = [];
    for (let step = 0; step < 10; step++) {
      const { inputs } = blocks.batch(step);
      for (let row = 0; row < batch; row++) starts.push(inputs[row * block]!);
    }
    const epochs = [0, 1, 2, 3].map((epoch) => starts.slice(epoch * 10, epoch * 10 + 10));
    const all = Array.from({ length: 10 }, (_, i) => i * block);
    for (const epoch of epochs) expect([...epoch].sort((a, b) => a - b)).toEqual(all);
    expect(new Set(epochs.map(String)).size).toBe(4);
  });

  it('needs one block and what follows it', async () => {
    const options = { block, batch, seed: 1, order: 'random' } as const;
    expect(createBlocks(await counting(block + 1), options).batch(0).targets[block - 1]).toBe(block);
    const reader = await counting(block);
    expect(() => createBlocks(reader, options)).toThrow(/has 8 tokens, too few for a block of 8/);
  });
});

describe('evaluation windows', () => {
  it.each([
    [1, 4, 4],
    [2, 4, 4],
    [5, 4, 4],
    [9, 4, 4],
    [11, 4, 4],
    [11, 4, 1],
    [11, 4, 3],
    [100, 16, 5],
    [3, 16, 5],
    [0, 4, 2],
  ])('%i tokens, window %i, stride %i: each target once, in order', (length, window, stride) => {
    const scored: number[] = [];
    for (const { start, count, scoreFrom } of evaluationWindows(length, { window, stride })) {
      expect(count).toBeLessThanOrEqual(window);
      expect(start + count).toBeLessThan(length);
      expect(scoreFrom).toBeGreaterThanOrEqual(0);
      expect(scoreFrom).toBeLessThan(count);
      for (let i = scoreFrom; i < count; i++) scored.push(start + i + 1);
      // All but the first window score with at least window - stride tokens of context.
      if (start > 0) expect(scoreFrom).toBeGreaterThanOrEqual(window - stride);
    }
    expect(scored).toEqual(Array.from({ length: Math.max(0, length - 1) }, (_, i) => i + 1));
  });

  it('refuses a stride that would leave tokens out', () => {
    expect(() => evaluationWindows(10, { window: 4, stride: 5 })).toThrow(RangeError);
  });
});
