import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import type { Schedule } from './schedule.js';
import { cosineRestartsSchedule } from './schedule-restarts.js';

interface Golden {
  cosine: { options: z.input<typeof cosineRestartsSchedule.schema>; rates: number[] }[];
}
const golden = JSON.parse(await readFile(join(import.meta.dirname, '__fixtures__', 'fairseq.json'), 'utf8')) as Golden;

const create = (options: object): Schedule =>
  cosineRestartsSchedule.create(cosineRestartsSchedule.schema.parse(options), undefined as never) as Schedule;

test.each(golden.cosine)('cosine-restarts, $options: the rates of fairseq', ({ options, rates }) => {
  const schedule = create(options);
  rates.forEach((rate, step) => {
    expect(schedule.rate(step, rates.length)).toBeCloseTo(rate, 10);
  });
});

test('without a period one cosine fills the run: the rates of WikiText-103 training', () => {
  const schedule = create({ peak: 1, min: 1e-4, initial: 1e-7, warmup: 16_000, growth: 2, shrink: 0.75 });
  expect(schedule.rate(0, 286_000)).toBe(1e-7);
  expect(schedule.rate(8000, 286_000)).toBeCloseTo(0.5, 6);
  expect(schedule.rate(16_000, 286_000)).toBe(1);
  expect(schedule.rate(16_000 + 135_000, 286_000)).toBeCloseTo((1 + 1e-4) / 2, 12);
  expect(schedule.rate(285_999, 286_000)).toBeCloseTo(1e-4, 8);
});
