import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensors, readTensors } from '../open.js';
import { expectSame, failure, fixture, temporaryFolder } from '../testing/fixtures.js';
import { writeSafetensorsFolder } from './shards-write.js';

const INDEX = 'model.safetensors.index.json';

test.each(['sharded-safetensors', 'sharded-bin'])('%s: a folder that Hugging Face has split', async (name) => {
  const folder = fixture(name);
  await expectSame(folder, join(folder, 'sharded.expected.safetensors'));
  const source = await openTensors(folder);
  await source.close();
  expect(source.files).toHaveLength(4);
  expect(source.format).toBe(name.endsWith('bin') ? 'pytorch' : 'safetensors');
});

async function copied(): Promise<string> {
  const folder = await temporaryFolder();
  for (const name of await readdir(fixture('sharded-safetensors')))
    if (!name.includes('expected')) await copyFile(fixture('sharded-safetensors', name), join(folder, name));
  return folder;
}

async function changed(
  change: (index: { metadata: Record<string, unknown>; weight_map: Record<string, string> }) => void,
) {
  const folder = await copied();
  const path = join(folder, INDEX);
  const index = JSON.parse(await readFile(path, 'utf8'));
  change(index);
  await writeFile(path, JSON.stringify(index));
  return path;
}

describe('an index that does not fit is refused', () => {
  const second = 'model-00002-of-00004.safetensors';

  test('missing shards are named', async () => {
    const folder = await copied();
    await rm(join(folder, second));
    expect((await failure(join(folder, INDEX))).message).toContain(`1 of 4 shards are missing: "${second}"`);
  });

  test.each([
    ['a tensor that is nowhere', { 'layers.9.weight': second }, `layers.9.weight in ${second}`],
    ['a tensor that is elsewhere', { 'layers.0.weight': second }, `layers.0.weight in ${second}`],
    [
      'a file elsewhere',
      { 'layers.0.weight': '../x.safetensors' },
      '"../x.safetensors", which is not a file beside it',
    ],
  ])('%s', async (_, entries, message) => {
    const path = await changed((index) => Object.assign(index.weight_map, entries));
    expect((await failure(path)).message).toContain(message);
  });

  test('a tensor that the index does not name', async () => {
    const path = await changed((index) => delete index.weight_map['layers.1.weight']);
    expect((await failure(path)).message).toContain('does not name there: "layers.1.weight"');
  });

  test('a total that does not add up; none is needed', async () => {
    const path = await changed((index) => Object.assign(index.metadata, { total_size: 1 }));
    expect((await failure(path)).message).toContain(
      'states a total_size of 1 bytes, but the shards hold tensors of 960',
    );
    const without = await changed((index) => delete index.metadata.total_size);
    expect(Object.keys((await readTensors(without)).tensors)).toHaveLength(5);
  });

  test('something else than an index', async () => {
    const path = join(await copied(), INDEX);
    for (const [text, message] of [
      ['{', 'not valid JSON'],
      ['{"weight_map": 3}', 'not an index'],
      ['{"weight_map": {}}', 'names no tensors'],
    ] as const) {
      await writeFile(path, text);
      expect((await failure(path)).message).toContain(message);
    }
  });
});

describe('writing a folder', () => {
  const tensors = Object.fromEntries(
    [3, 1, 2, 8].map((size, i) => [`t${i}`, { shape: [size], data: new Float32Array(size).fill(i) }]),
  );
  const names = async (folder: string) => (await readdir(folder)).sort();

  test('in one file, or in shards with an index; a later save leaves nothing of an earlier one', async () => {
    const folder = await temporaryFolder();
    await writeSafetensorsFolder(folder, tensors, { metadata: { format: 'pt' } });
    expect(await names(folder)).toEqual(['model.safetensors']);
    const one = await readTensors(folder);

    await writeSafetensorsFolder(folder, tensors, { metadata: { format: 'pt' }, shardBytes: 16 });
    const shards = [1, 2, 3].map((i) => `model-0000${i}-of-00003.safetensors`);
    expect(await names(folder)).toEqual([...shards, INDEX].sort());
    const index = JSON.parse(await readFile(join(folder, INDEX), 'utf8'));
    expect(index).toEqual({
      metadata: { total_size: 56 },
      weight_map: { t0: shards[0], t1: shards[0], t2: shards[1], t3: shards[2] },
    });
    const split = await readTensors(folder);
    expect(split.tensors).toEqual(one.tensors);
    expect(split.metadata).toEqual({ format: 'pt', total_size: 56 });

    await writeSafetensorsFolder(folder, tensors, { shardBytes: 32 });
    expect(await names(folder)).toHaveLength(3);
    await writeSafetensorsFolder(folder, tensors);
    expect(await names(folder)).toEqual(['model.safetensors']);
  });

  test('tensors are asked for one after the other', async () => {
    const folder = await temporaryFolder();
    let open = 0;
    let most = 0;
    const lazy = (value: number) => ({
      shape: [2],
      async read() {
        most = Math.max(most, ++open);
        await new Promise((resolve) => setTimeout(resolve, 1));
        open--;
        return new Float32Array(2).fill(value);
      },
    });
    await writeSafetensorsFolder(folder, { a: lazy(1), b: lazy(2), c: lazy(3) }, { shardBytes: 16 });
    expect(most).toBe(1);
    expect((await readTensors(folder)).tensors.c?.data).toEqual(new Float32Array([3, 3]));
  });

  test('a save that fails half-way leaves no mixture of old and new tensors', async () => {
    const folder = await temporaryFolder();
    const failing = { ...tensors, t3: { shape: [8], read: () => Promise.reject(new Error('gone')) } };
    await writeSafetensorsFolder(folder, tensors, { shardBytes: 16 });
    await expect(writeSafetensorsFolder(folder, failing, { shardBytes: 16 })).rejects.toThrow('gone');
    expect((await failure(folder)).message).toContain('holds no checkpoint');
    await writeSafetensorsFolder(folder, tensors);
    await expect(writeSafetensorsFolder(folder, failing, { shardBytes: 16 })).rejects.toThrow('gone');
    expect(Object.keys((await readTensors(folder)).tensors)).toEqual(Object.keys(tensors));
  });

  test('a tensor that is not as announced leaves no file behind', async () => {
    const folder = await temporaryFolder();
    const wrong = (data: Float32Array | Int32Array) => ({ w: { shape: [2], read: async () => data } });
    await expect(writeSafetensorsFolder(folder, wrong(new Float32Array(3)))).rejects.toThrow('has 3 values');
    await expect(writeSafetensorsFolder(folder, wrong(new Int32Array(2)))).rejects.toThrow('announced as float32');
    expect(await names(folder)).toEqual([]);
  });
});
