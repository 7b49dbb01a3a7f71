import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTensors, readTensors } from './open.js';
import { craft, failure, fixture, temporaryFolder } from './testing/fixtures.js';

test.each([
  ['safetensors', ['goldens', 'expected.safetensors']],
  ['pytorch', ['goldens', 'state-dict.bin']],
  ['pytorch', ['goldens', 'fairseq-legacy.pt']],
  ['numpy', ['numpy', 'arrays.npz']],
  ['numpy', ['numpy', 'version1.npy']],
  ['ctranslate2', ['ctranslate2', 'model.bin']],
])('%s is recognised by content, whatever the name', async (format, path) => {
  const copy = join(await temporaryFolder(), 'model.unknown');
  await copyFile(fixture(...path), copy);
  const source = await openTensors(copy);
  await source.close();
  expect(source).toMatchObject({ format, path: copy, files: [copy] });
});

test('a folder: the first of the known files in it', async () => {
  const folder = await temporaryFolder();
  const put = (file: string, name: string) => copyFile(fixture('goldens', file), join(folder, name));
  const format = async () => {
    const source = await openTensors(folder);
    await source.close();
    return source.format;
  };
  expect((await failure(folder)).message).toContain('holds no checkpoint; looked for model.safetensors');
  await put('state-dict.bin', 'pytorch_model.bin');
  expect(await format()).toBe('pytorch');
  await put('expected.safetensors', 'model.safetensors');
  expect(await format()).toBe('safetensors');
});

test.each([
  ['nothing', '', 'truncated, or not a checkpoint'],
  ['a text', 'Dear reader, this is not a checkpoint.', 'this is not a checkpoint that is known'],
  ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', 'pointer of Git LFS'],
  ['another pickle', '\x80\x02}q\x00.', 'not of a checkpoint that torch.save has written'],
  ['an archive of something else', 'PK\x05\x06'.padEnd(22, '\0'), 'neither a PyTorch checkpoint nor'],
])('%s is refused', async (_, text, message) => {
  expect((await failure(await craft(Buffer.from(text, 'latin1')))).message).toContain(message);
});

test('a folder in place of a file, and no such file', async () => {
  const folder = await temporaryFolder();
  await mkdir(join(folder, 'model.safetensors'));
  expect((await failure(folder)).message).toContain('holds no checkpoint');
  expect((await failure(join(folder, 'none'))).message).toContain('ENOENT');
});

test('a tensor that is not there', async () => {
  const source = await openTensors(fixture('goldens', 'state-dict.bin'));
  await expect(source.read('constructor')).rejects.toThrow('there is no tensor "constructor"');
  await source.close();
});

test('names that mean something to JavaScript are names', async () => {
  const names = ['__proto__', 'constructor', '0'];
  const entry = (i: number) => ({ dtype: 'U8', shape: [1], data_offsets: [i, i + 1] });
  const header = JSON.stringify(Object.fromEntries(names.map((name, i) => [name, entry(i)])));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(header.length));
  const path = await craft(Buffer.concat([prefix, Buffer.from(header), Buffer.from([1, 2, 3])]));
  const { tensors } = await readTensors(path);
  expect(Object.keys(tensors).sort()).toEqual([...names].sort());
  expect(Object.getOwnPropertyDescriptor(tensors, '__proto__')?.value.data).toEqual(new Int32Array([1]));
});

test('tensors can be read at the same time', async () => {
  const source = await openTensors(fixture('pytorch', 'views-deflated.pt'));
  const one = await source.read('permuted');
  const all = await Promise.all(Array.from({ length: 20 }, () => source.read('permuted')));
  for (const tensor of all) expect(tensor).toEqual(one);
  await source.close();
});

test('an index among other files', async () => {
  const folder = await temporaryFolder();
  await copyFile(fixture('goldens', 'expected.safetensors'), join(folder, 'part.safetensors'));
  const path = join(folder, 'any.json');
  const { tensors } = await readTensors(join(folder, 'part.safetensors'));
  const weights = Object.fromEntries(Object.keys(tensors).map((name) => [name, 'part.safetensors']));
  await writeFile(path, `\n  ${JSON.stringify({ weight_map: weights })}`);
  expect((await readTensors(path)).tensors).toEqual(tensors);
  // An index as a shard of another would go on for ever.
  await writeFile(path, JSON.stringify({ weight_map: { a: 'any.json' } }));
  expect((await failure(path)).message).toContain('not a checkpoint that is known');
});
