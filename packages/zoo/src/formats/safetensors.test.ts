import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openTensors, readTensors } from '../open.js';
import { craft as craftFile, failure, fixture, temporaryFolder } from '../testing/fixtures.js';
import { writeSafetensors } from './safetensors-write.js';

/** A file from a header object (or raw text) and some bytes of data. */
async function craft(header: unknown, data: Uint8Array, headerLength?: bigint): Promise<string> {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(headerLength ?? BigInt(json.length));
  return craftFile(Buffer.concat([prefix, json, data]), 'crafted.safetensors');
}

describe('files written by the Python library', () => {
  test('every element type is read to the value PyTorch converts it to', async () => {
    const { tensors, metadata } = await readTensors(fixture('dtypes.safetensors'));
    const values = Object.fromEntries(Object.entries(tensors).map(([name, { data }]) => [name, [...data]]));
    expect(metadata).toEqual({ format: 'pt' });
    const f = Math.fround;
    expect(values).toEqual({
      f32: [1.5, -2.25, f(3e-40), Number.POSITIVE_INFINITY, f(0.1), -0],
      f16: [1.5, -2.25, 2 ** -24, 65504, Number.NEGATIVE_INFINITY, 0.0999755859375, -0, 6.097555160522461e-5],
      bf16: [1.5, -2.25, f(9.183549615799121e-41), 3.00405527047391e38, 0.10009765625],
      f64: [f(0.1), Number.POSITIVE_INFINITY, -3],
      i64: [2147483647, -2147483648],
      i32: [7, -7],
      u8: [0, 255],
      bool: [1, 0, 1],
      scalar: [2.5],
      empty: [],
    });
    expect(tensors.i64).toMatchObject({ dtype: 'int32', shape: [2, 1] });
    expect(tensors.scalar).toMatchObject({ dtype: 'float32', shape: [] });
    expect(tensors.empty?.shape).toEqual([0, 4]);
  });

  test('one tensor is read without the others', async () => {
    const file = await openTensors(fixture('goldens', 'expected.safetensors'));
    expect([...file.entries.keys()]).toContain('transposed');
    const { shape, data } = await file.read('slice');
    await file.close();
    expect(shape).toEqual([2, 2]);
    expect(data[0]).toBe(Math.fround(-1.3398311138153076));
  });
});

test('what is written is read back bit for bit, and nothing else is left in the folder', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'written', 'a.safetensors');
  const tensors = {
    'w.weight': { shape: [2, 3], dtype: 'float32' as const, data: new Float32Array([0.1, -0, 1e-40, 4, 5, 6]) },
    ids: { shape: [2], dtype: 'int32' as const, data: new Int32Array([-1, 2 ** 31 - 1]) },
    // A view into a larger buffer must be written from its own offset.
    view: { shape: [2], dtype: 'float32' as const, data: new Float32Array([9, 8, 7, 6]).subarray(1, 3) },
    scalar: { shape: [], dtype: 'float32' as const, data: new Float32Array([3]) },
  };
  await writeSafetensors(path, tensors, { step: '12' });
  const back = await readTensors(path);
  expect(back.metadata).toEqual({ step: '12' });
  expect(Object.keys(back.tensors)).toEqual(Object.keys(tensors));
  for (const [name, { data }] of Object.entries(tensors)) expect(back.tensors[name]?.data).toEqual(data.slice());
  expect(await readdir(join(folder, 'written'))).toEqual(['a.safetensors']);
});

test('data that does not fit its shape is refused before anything is written', async () => {
  const path = join(await temporaryFolder(), 'refused.safetensors');
  const tensors = { w: { shape: [3], data: new Float32Array(2) } };
  await expect(writeSafetensors(path, tensors)).rejects.toThrow('tensor "w" has 2 values, but its shape is [3]');
  await expect(readFile(path)).rejects.toThrow();
});

describe('damaged files give one error that names the file and the place', () => {
  test('truncated anywhere', async () => {
    const whole = await readFile(fixture('goldens', 'expected.safetensors'));
    const path = join(await temporaryFolder(), 'cut.safetensors');
    for (const length of [0, 7, 8, 100, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, length));
      expect((await failure(path)).message).toContain('truncated');
    }
  });

  const f32 = (shape: unknown, offsets: unknown) => ({ dtype: 'F32', shape, data_offsets: offsets });
  const eight = new Uint8Array(8);
  test.each<[string, unknown, string]>([
    ['bad JSON', '{"a": ', 'not valid JSON'],
    ['a list', [], 'not a checkpoint that is known'],
    ['overlap', { a: f32([1], [0, 4]), b: f32([2], [0, 8]) }, 'tensor "b": it overlaps tensor "a"'],
    ['a gap', { a: f32([1], [4, 8]) }, 'tensor "a": 4 unused bytes lie before it'],
    ['beyond the end', { a: f32([3], [0, 12]) }, 'tensor "a" ends at byte'],
    ['trailing bytes', { a: f32([1], [0, 4]) }, '4 bytes follow the last tensor'],
    ['a size unlike the shape', { a: f32([3], [0, 8]) }, 'tensor "a": F32 [3] takes 12 bytes, but data_offsets span 8'],
    ['a negative size', { a: f32([-2], [0, 8]) }, 'tensor "a": its shape'],
    ['reversed offsets', { a: f32([2], [8, 0]) }, 'tensor "a": its data_offsets'],
    ['an unknown type', { a: { dtype: 'C64', shape: [8], data_offsets: [0, 8] } }, 'cannot read element type "C64"'],
    ['a type nested beyond measure', `{"a": {"dtype": ${'['.repeat(1e5)}${']'.repeat(1e5)}}}`, 'element type object'],
    ['more dimensions than any', { a: f32(Array(65).fill(1), [0, 4]) }, 'at most 64 sizes'],
    ['no entry', { a: 3 }, 'tensor "a": its header entry'],
    ['metadata of numbers', { __metadata__: { a: 1 }, a: f32([2], [0, 8]) }, '__metadata__'],
  ])('%s', async (_, header, message) => {
    expect((await failure(await craft(header, eight))).message).toContain(message);
  });

  test('a length that no header has', async () => {
    expect((await failure(await craft({}, eight, 1n << 31n))).message).toContain('not a safetensors file');
  });

  test('an I64 that does not fit', async () => {
    const header = { a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } };
    const path = await craft(header, new Uint8Array(new BigInt64Array([1n << 40n]).buffer));
    expect((await failure(path)).message).toContain('tensor "a": value 1099511627776 does not fit 32 bits');
  });

  test('a missing file', async () => {
    expect((await failure(join(await temporaryFolder(), 'none.safetensors'))).message).toContain('ENOENT');
  });
});
