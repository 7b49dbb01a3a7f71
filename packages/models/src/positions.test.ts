import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { sinusoidalRows, sinusoidalTable } from './positions.js';

const DIM = 16;
const exact = (position: number) => {
  const w = Array.from({ length: DIM / 2 }, (_, j) => Math.exp((-j * Math.log(10000)) / (DIM / 2 - 1)));
  return [...w.map((x) => Math.sin(position * x)), ...w.map((x) => Math.cos(position * x))];
};

describe('sinusoidal positions', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it('make a table of sines, then cosines', () => {
    const table = sinusoidalTable(20, DIM);
    exact(19).forEach((value, i) => {
      expect(table[19 * DIM + i]).toBeCloseTo(value, 6);
    });
    expect([...sinusoidalTable(2, 3)].filter((_, i) => i % 3 === 2)).toEqual([0, 0]);
  });

  it.each([
    [
      'marian',
      (p: number, i: number) => (i < 8 ? Math.sin(p * 10000 ** (-i / 8)) : Math.cos(p * 10000 ** (-(i - 8) / 8))),
    ],
    ['vaswani', (p: number, i: number) => (i % 2 ? Math.cos : Math.sin)(p * 10000 ** (-(i - (i % 2)) / DIM))],
  ] as const)('of %s, from any position on, at run time too', (flavour, value) => {
    const table = sinusoidalTable(3, DIM, { offset: 5, flavour });
    const rows = sinusoidalRows(tf.tensor1d([5, 6, 7], 'int32'), DIM, flavour).dataSync();
    table.forEach((actual, at) => {
      expect(actual).toBeCloseTo(value(5 + Math.floor(at / DIM), at % DIM), 6);
      expect(rows[at]).toBeCloseTo(actual, 6);
    });
    expect([...sinusoidalTable(2, 3, { flavour })].filter((_, i) => i % 3 === 2)).toEqual([0, 0]);
  });

  it('stay within 2e-7 at positions known only at run time, however far', () => {
    const positions = [0, 1, 1023, 1024, 16_000, 100_000, 999_999, 1_048_575];
    const rows = sinusoidalRows(tf.tensor1d(positions, 'int32'), DIM).arraySync() as number[][];
    positions.forEach((position, i) => {
      const wanted = exact(position);
      rows[i]!.forEach((value, j) => {
        expect(Math.abs(value - wanted[j]!)).toBeLessThan(2e-7);
      });
    });
  });
});
