import { expect, test } from 'vitest';
import { exponential } from './exponential.js';

test('is the exponential to the last few bits', () => {
  let worst = 0;
  for (let i = 0; i <= 200_000; i++) {
    const x = -699.9 * (i / 200_000) ** 3;
    worst = Math.max(worst, Math.abs(exponential(x) / Math.exp(x) - 1));
  }
  expect(worst).toBeLessThan(5 * Number.EPSILON);
  expect(exponential(0)).toBe(1);
});

test('of what is far below, 0, and of NaN, NaN', () => {
  expect(exponential(-701)).toBe(0);
  expect(exponential(Number.NEGATIVE_INFINITY)).toBe(0);
  expect(exponential(Number.NaN)).toBeNaN();
});
