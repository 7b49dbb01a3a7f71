import { createRegistry } from '@t2r/core';
import { expect, test } from 'vitest';
import { learningRates } from './learning-rates.js';
import { plugin } from './plugin.js';

const registry = createRegistry([plugin]);
const context = { create: ((kind, spec) => registry.create(kind, spec)) as typeof registry.create };

test('groups follow the schedule of the step, or one of their own, times their factor', () => {
  const common = { use: 'constant', peak: 0.1, warmup: 2 };
  const own = { use: 'cosine', peak: 1, floor: 0.2 };
  const rates = learningRates(
    common,
    [
      { match: 'a', rate: 10 },
      { match: 'b', rate: 1, schedule: own },
      { match: 'c', rate: 0.5, schedule: own },
    ],
    4,
    context,
  );
  // Half a cosine from 1 to 0.2 over four steps: 0.6 + 0.4 cos(pi i / 4).
  const cosine = [0, 1, 2, 3].map((i) => 0.6 + 0.4 * Math.cos((Math.PI * i) / 4));
  [0.05, 0.1, 0.1, 0.1].forEach((base, i) => {
    const expected = [base, 10 * base, cosine[i]!, cosine[i]! / 2];
    rates(i).forEach((rate, group) => {
      expect(rate).toBeCloseTo(expected[group]!, 12);
    });
  });
});

test('without groups there is one rate', () => {
  expect(learningRates({ use: 'constant', peak: 3 }, undefined, 10, context)(5)).toEqual([3]);
});
