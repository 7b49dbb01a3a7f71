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
