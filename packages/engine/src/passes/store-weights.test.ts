import { createRandom } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../open.js';
import { embedding } from '../ops/embedding.js';
import { linear } from '../ops/linear.js';
import { BLOCK, dequantizeBlocks, quantizeBlocks } from '../quantize/blocks.js';
import { float16Bits } from '../quantize/float16.js';
import type { HostTensor, WeightFormat } from '../types.js';

/** Independent numbers: products of regular ones cancel, and relative errors then say little. */
function numbers(count: number, seed: number): Float32Array {
  const random = createRandom(seed, 'numbers');
  return Float32Array.from({ length: count }, () => random.uniform() * 2 - 1);
}

describe('blocks', () => {
  for (const bits of [4, 8] as const)
    for (const transposed of [false, true])
      it(`${bits} bits come back within a step, rows of any length, transposed ${transposed}`, () => {
        const [rows, columns] = [7, 80];
        const data = numbers(rows * columns, bits);
        const matrix = quantizeBlocks({ data, rows, columns, transposed }, bits);
        const back = dequantizeBlocks(matrix);
        const blocks = Math.ceil(columns / BLOCK);
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++) {
            const step = Math.abs(matrix.scales[row * blocks + Math.floor(column / BLOCK)]!);
            const own = data[transposed ? column * rows + row : row * columns + column]!;
            // Clipped numbers, at the far end of a block, are off by more than half a step.
            expect(Math.abs(back[row * columns + column]! - own)).toBeLessThanOrEqual(2 * step);
          }
        const again = dequantizeBlocks(quantizeBlocks({ data: back, rows, columns }, bits));
        expect(Math.max(...again.map((x, i) => Math.abs(x - back[i]!)))).toBeLessThan(bits === 8 ? 0.02 : 0.25);
      });

  it('keep zeros', () => {
    const { values, scales } = quantizeBlocks({ data: new Float32Array(64), rows: 1, columns: 64 }, 4);
    expect([...scales]).toEqual([0, 0]);
    expect(new Set(values)).toEqual(new Set([0x88]));
  });
});

describe('halves', () => {
  it('are the nearest, ties to even', () => {
    const given = Float32Array.of(0, -0, 1, -2, 65504, 65520, 2 ** -24, 2 ** -25, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1e9);
    expect([...float16Bits(given)]).toEqual([0, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x7c00, 1, 0, 0x3c00, 0x3c02, 0x7c00]);
  });
});

describe('stored weights', () => {
  const [vocab, dim, width] = [90, 80, 70];
  const constants: Record<string, HostTensor> = {
    table: { shape: [vocab, dim], data: numbers(vocab * dim, 1) },
    weight: { shape: [dim, width], data: numbers(dim * width, 2) },
    bias: { shape: [width], data: numbers(width, 3) },
  };
  const ids = Int32Array.of(3, 89);

  async function run(weights: WeightFormat, over = constants) {
    const engine = await openEngine('onnx', { threads: 1 });
    const program = await engine.compile({
      name: 'stored',
      inputs: { ids: { shape: [2], dtype: 'int32' } },
      constants: over,
      weights,
      program: (inputs, { table, weight, bias }) => {
        const rows = embedding(table!, inputs.ids!);
        return {
          outputs: {
            rows,
            product: linear(rows, weight!, bias!),
            tied: tf.matMul(rows as tf.Tensor2D, table as tf.Tensor2D, false, true),
          },
        };
      },
    });
    const outputs = await program.run({ ids });
    await program.dispose();
    await engine.dispose();
    return outputs as Record<string, Float32Array>;
  }

  const distance = (a: Float32Array, b: Float32Array) =>
    Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0) / b.reduce((sum, x) => sum + x * x, 0));

  for (const bits of [8, 4] as const)
    it(`int${bits}: what is run are the products and rows of the rounded matrices`, async () => {
      const { table, weight } = constants;
      const rounded = (one: HostTensor, rows: number, columns: number, transposed: boolean) =>
        dequantizeBlocks(quantizeBlocks({ data: one.data as Float32Array, rows, columns, transposed }, bits));
      const roundedWeight = rounded(weight!, width, dim, true); // [width, dim]
      const back = Float32Array.from(
        { length: dim * width },
        (_, i) => roundedWeight[(i % width) * dim + Math.floor(i / width)]!,
      );
      const roundedTable = rounded(table!, vocab, dim, false);
      const expected = await run('fp32', {
        ...constants,
        table: { shape: [vocab, dim], data: roundedTable },
        weight: { shape: [dim, width], data: back },
      });
      const actual = await run(`int${bits}`);
      expect(distance(actual.rows!, expected.rows!)).toBeLessThan(1e-6);
      // Activations are rounded to 8 bits a block.
      expect(distance(actual.product!, expected.product!)).toBeLessThan(0.01);
      expect(distance(actual.tied!, expected.tied!)).toBeLessThan(0.01);
    });

  it('columns of zeros leave a product exactly its bias', async () => {
    const data = numbers(dim * width, 2).map((x, i) => (i % width === 5 ? 0 : x));
    const bias = numbers(width, 3);
    bias[5] = 1;
    for (const format of ['int8', 'int4', 'fp16'] as const) {
      const over = { ...constants, weight: { shape: [dim, width], data }, bias: { shape: [width], data: bias } };
      const { product } = await run(format, over);
      expect([product![5], product![width + 5]]).toEqual([1, 1]);
    }
  });

  it('fp16: close to float32', async () => {
    const [actual, expected] = [await run('fp16'), await run('fp32')];
    for (const name of ['rows', 'product', 'tied']) expect(distance(actual[name]!, expected[name]!)).toBeLessThan(1e-3);
  });
});
