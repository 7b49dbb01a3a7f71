import { describe, expect, test } from 'vitest';
import { bytesInMemory } from './bytes/byte-source.js';
import { failAt } from './format-error.js';
import { readView } from './read-view.js';

const fail = failAt('x');

/** Counts what is read, to hold a view to reading forwards and little. */
function counted(data: ArrayBufferView) {
  const source = bytesInMemory(new Uint8Array(data.buffer));
  const reads: [number, number][] = [];
  return {
    reads,
    size: source.size,
    async read(position: number, into: Uint8Array) {
      reads.push([position, into.length]);
      await source.read(position, into);
    },
  };
}

/** The definition: each element at the sum of index times stride. */
function naive(values: ArrayLike<number>, shape: readonly number[], strides: readonly number[], first = 0): number[] {
  const [size, ...rest] = shape;
  if (size === undefined) return [values[first]!];
  return Array.from({ length: size }, (_, i) => naive(values, rest, strides.slice(1), first + i * strides[0]!)).flat();
}

/** Comparing arrays of this length element by element is quicker than `toEqual`. */
function differences(values: ArrayLike<number>, expected: ArrayLike<number>): number {
  let count = Math.abs(values.length - expected.length);
  for (let i = 0; i < values.length; i++) if (values[i] !== expected[i]) count++;
  return count;
}

describe('views over several pieces', () => {
  const rows = 700;
  const columns = 901;
  const f32 = Float32Array.from({ length: rows * columns }, (_, i) => i % 9973);
  const f64 = Float64Array.from(f32);
  const i64 = BigInt64Array.from(f32, (value) => BigInt(value));

  test.each([
    ['transposed', [columns, rows], [1, columns], 0],
    ['every other column, backwards in dimensions', [450, rows], [2, columns], 1],
    ['one column', [rows], [columns], 17],
    ['blocks', [5, 7, 100, 140], [140 * columns, 100, columns, 1].with(1, 127), 0],
    ['windows that overlap', [3000, 16], [200, 1], 5],
    ['expanded', [3, rows, 2], [0, columns, 1], 0],
  ])('%s', async (_, shape, strides, first) => {
    for (const [dtype, data, width] of [
      ['F32', f32, 4],
      ['F64', f64, 8],
      ['I64', i64, 8],
    ] as const) {
      const source = counted(data);
      const view = { dtype, shape, strides, start: first * width };
      const { data: read } = await readView(source, view, fail);
      expect(differences(read, naive(f32, shape, strides, first))).toBe(0);
      // Forwards, so that deflated storages are inflated once.
      const starts = source.reads.map(([position]) => position);
      expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    }
  });

  test('distant neighbours are read alone', async () => {
    const source = counted(new Float32Array(5 * 40_000));
    await readView(source, { dtype: 'F32', shape: [5], strides: [40_000], start: 0 }, fail);
    expect(source.reads.map(([, length]) => length)).toEqual([4, 4, 4, 4, 4]);
  });
});

describe('what a view may not do', () => {
  const source = bytesInMemory(new Uint8Array(400));

  test.each([
    ['reach beyond its storage', { shape: [10, 11], strides: undefined, start: 0 }, 'it ends at byte 440'],
    ['begin beyond it', { shape: [1], start: 400 }, 'it ends at byte 404'],
    ['be larger than numbers', { shape: [2 ** 53, 2 ** 53], start: 0 }, 'it ends at byte'],
    [
      'repeat little often',
      { shape: [1e5, 1e5], strides: [0, 0], start: 0 },
      'repeats 1 stored elements to 10000000000',
    ],
  ])('%s', async (_, view, message) => {
    await expect(readView(source, { dtype: 'F32', ...view }, fail)).rejects.toThrow(message);
  });

  test('nothing of nothing is something', async () => {
    const empty = { dtype: 'F32' as const, shape: [2 ** 53, 2 ** 53, 2 ** 53, 0], start: 400 };
    expect((await readView(source, empty, fail)).data).toHaveLength(0);
  });
});

test('integers that do not fit are errors where they are used, and only there', async () => {
  const wide = bytesInMemory(new Uint8Array(new BigInt64Array([1n, 1n << 40n, 3n, 4n]).buffer));
  const view = { dtype: 'I64' as const, shape: [2], strides: [2], start: 0 };
  expect([...(await readView(wide, view, fail)).data]).toEqual([1, 3]);
  await expect(readView(wide, { ...view, start: 8 }, fail)).rejects.toThrow('1099511627776 does not fit 32 bits');
});
