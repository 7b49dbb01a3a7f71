import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Component } from '@t2r/core';
import { expect, test } from 'vitest';
import { constantSchedule, cosineSchedule, inverseSqrtSchedule, type Schedule } from './schedule.js';

const create = (component: Component, options: Record<string, unknown>) =>
  component.create(component.schema.parse(options), undefined as never) as unknown as Schedule;

interface CosineCase {
  steps: number;
  warmup: number;
  floor: number;
  peak: number;
  rates: number[];
}
const cases = JSON.parse(
  await readFile(join(import.meta.dirname, '__fixtures__', 'torch-cosine.json'), 'utf8'),
) as CosineCase[];

test.each(cases)('cosine, warm-up $warmup of $steps, floor $floor: the rates of LambdaLR in PyTorch', (golden) => {
  const { steps, rates, ...options } = golden;
  const schedule = create(cosineSchedule, options);
  rates.forEach((rate, step) => {
    expect(schedule.rate(step, steps)).toBeCloseTo(rate, 12);
  });
});

test('inverse-sqrt rises to the peak at the last warm-up step and then falls as 1 / sqrt(step)', () => {
  const schedule = create(inverseSqrtSchedule, { peak: 0.5, warmup: 100 });
  expect(schedule.rate(0, 1000)).toBeCloseTo(0.005, 12);
  expect(schedule.rate(99, 1000)).toBeCloseTo(0.5, 12);
  expect(schedule.rate(399, 1000)).toBeCloseTo(0.25, 12);
});

test('constant stays at the peak', () => {
  const schedule = create(constantSchedule, { peak: 3e-4 });
  expect([0, 10, 999].map((step) => schedule.rate(step, 1000))).toEqual([3e-4, 3e-4, 3e-4]);
});
