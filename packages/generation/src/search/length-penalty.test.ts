import { expect, test } from 'vitest';
import { lengthPenalty } from './length-penalty.js';

test('both formulas', () => {
  expect(lengthPenalty('power', 0.6).score(-12, 8)).toBeCloseTo(-12 / 8 ** 0.6, 12);
  expect(lengthPenalty('gnmt', 0.6).score(-12, 8)).toBeCloseTo(-12 / (13 / 6) ** 0.6, 12);
  for (const formula of ['power', 'gnmt'] as const) expect(lengthPenalty(formula, 0).score(-12, 8)).toBe(-12);
});

test.each(['power', 'gnmt'] as const)('no length gives more than the bound: %s', (formula) => {
  for (const exponent of [-1, 0, 0.6, 2]) {
    const { score, bound } = lengthPenalty(formula, exponent);
    for (let length = 3; length <= 20; length++) expect(score(-5, length)).toBeLessThanOrEqual(bound(-5, 3, 20));
  }
});
