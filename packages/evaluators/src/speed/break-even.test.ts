import { expect, test } from 'vitest';
import { speedBreakEven, stateBreakEven } from './break-even.js';

/** Tokens/s of a cache that costs a + b·n microseconds a token. */
const cache = (a: number, b: number) =>
  [128, 512, 2048, 8192].map((length) => ({ length, tokensPerSecond: 1e6 / (a + b * length) }));

test('the crossing lies where the two curves meet', () => {
  // 200 + 0.1 n = 400 at n = 2000.
  const found = speedBreakEven(cache(400, 0), cache(200, 0.1));
  expect(found!.exact).toBe(true);
  expect(Math.abs(found!.length / 2000 - 1)).toBeLessThan(0.05);
  // A power law is a straight line in the plot, so that the crossing is where it is: 1e6 / n = 1000.
  const power = cache(0, 1);
  expect(speedBreakEven(cache(1000, 0), power)).toEqual({ length: 1000, exact: true });
});

test('a model that leads from the start, one that never does, and curves without a common length', () => {
  expect(speedBreakEven(cache(100, 0), cache(200, 0.1))).toEqual({ length: 128, exact: false });
  expect(speedBreakEven(cache(5000, 0), cache(200, 0.1))).toBeUndefined();
  expect(speedBreakEven(cache(100, 0), [])).toBeUndefined();
});

test('bytes of state', () => {
  // T2R of 4 layers, 4 heads, 32 features of 64: 132 KiB; softmax of width 256: 8 KiB a position.
  expect(stateBreakEven(4 * 4 * 4 * (32 * 64 + 32), (n) => 4 * 4 * 2 * 256 * n)).toBe(17);
  expect(stateBreakEven(100, () => 10)).toBeUndefined();
});
