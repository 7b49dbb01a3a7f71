import { createRandom } from '@t2r/core';
import { describe, expect, test } from 'vitest';
import { createSampler, logProbability, type SamplingOptions } from './sampling.js';

const VOCAB = 12;

function randomLogits(seed: number): Float32Array {
  const random = createRandom('logits', seed);
  return Float32Array.from({ length: VOCAB }, () => 2 * random.normal());
}

/** The filtered distribution by its definition: sort everything, cut, renormalise. */
function filtered(logits: Float32Array, { temperature = 1, topK = VOCAB, topP = 1 }: SamplingOptions): number[] {
  const weights = Array.from(logits, (x) => Math.exp(x / temperature));
  const order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]! || a - b).slice(0, topK);
  const total = order.reduce((sum, id) => sum + weights[id]!, 0);
  let size = 0;
  for (let mass = 0; size < order.length && (size === 0 || mass / total < topP); size++) mass += weights[order[size]!]!;
  const kept = new Set(order.slice(0, size));
  const keptTotal = [...kept].reduce((sum, id) => sum + weights[id]!, 0);
  return weights.map((weight, id) => (kept.has(id) ? weight / keptTotal : 0));
}

/** Relative frequencies of the ids over many positions. */
function frequencies(logits: Float32Array, options: SamplingOptions, draws: number): number[] {
  const sampler = createSampler(VOCAB, options);
  const counts = new Array<number>(VOCAB).fill(0);
  for (let position = 0; position < draws; position++) counts[sampler.sample(logits, position)]!++;
  return counts.map((count) => count / draws);
}

describe('the distribution of draws', () => {
  const cases: SamplingOptions[] = [
    {},
    { temperature: 0.5 },
    { temperature: 3 },
    { topK: 4 },
    { topP: 0.7 },
    { temperature: 1.5, topK: 6, topP: 0.8 },
  ];
  test.each(cases)('%o', (options) => {
    const draws = 20_000;
    const logits = randomLogits(3);
    const expected = filtered(logits, options);
    const found = frequencies(logits, { ...options, seed: 5 }, draws);
    let chiSquared = 0;
    let kept = 0;
    for (let id = 0; id < VOCAB; id++) {
      if (expected[id] === 0) expect(found[id]).toBe(0);
      else {
        kept++;
        chiSquared += (draws * (found[id]! - expected[id]!) ** 2) / expected[id]!;
      }
    }
    // Mean and variance of chi-squared with n degrees of freedom are n and 2n; four standard deviations above.
    expect(chiSquared).toBeLessThan(kept - 1 + 4 * Math.sqrt(2 * (kept - 1)) + 1);
  });
});

test('top-p keeps the smallest set that reaches p, exactly at the boundary too', () => {
  // Probabilities 1/2, 1/4, 1/8, 1/8 in float64 without rounding.
  const logits = Float32Array.from([0, Math.log(2), Math.log(4), 0]);
  const support = (topP: number) => {
    const sampler = createSampler(4, { topP });
    return [...new Set(Array.from({ length: 400 }, (_, i) => sampler.sample(logits, i)))].sort();
  };
  expect(support(0.4)).toEqual([2]);
  expect(support(0.6)).toEqual([1, 2]);
  expect(support(0.8)).toEqual([0, 1, 2]);
  expect(support(0.9)).toEqual([0, 1, 2, 3]);
  expect(support(1)).toEqual([0, 1, 2, 3]);
});

test('ties go to the lower id', () => {
  const logits = new Float32Array([1, 3, 3, 3]);
  expect(createSampler(4, { temperature: 0 }).sample(logits, 0)).toBe(1);
  const sampler = createSampler(4, { topK: 2 });
  const ids = new Set(Array.from({ length: 200 }, (_, i) => sampler.sample(logits, i)));
  expect([...ids].sort()).toEqual([1, 2]);
});

test('a draw depends on the seed and the position alone', () => {
  const logits = randomLogits(9);
  const draw = (seed: number) => {
    const sampler = createSampler(VOCAB, { seed });
    return Array.from({ length: 50 }, (_, position) => sampler.sample(logits, position));
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw(1)).not.toEqual(draw(2));
  const late = createSampler(VOCAB, { seed: 1 });
  expect(late.sample(logits, 49)).toBe(draw(1)[49]);
});

test('the log-probability is that of the softmax', () => {
  const logits = randomLogits(4);
  const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
  for (const id of [0, 5, 11]) expect(logProbability(logits, id)).toBeCloseTo(logits[id]! - Math.log(total), 10);
});

test('the repetition penalty divides positive logits and multiplies negative ones', () => {
  const greedy = createSampler(3, { temperature: 0, repetitionPenalty: 2 });
  expect(greedy.sample(new Float32Array([3, 2, 1]), 0, [0, 0])).toBe(1);
  expect(greedy.sample(new Float32Array([-1, -1.5, -9]), 0, [0])).toBe(1);
  expect(greedy.sample(new Float32Array([3, 2, 1]), 0)).toBe(0);
});

test('options out of range and logits that are not finite are user errors', () => {
  for (const options of [
    { temperature: -1 },
    { topK: 0 },
    { topK: 1.5 },
    { topP: 0 },
    { topP: 1.1 },
    { repetitionPenalty: 0 },
  ])
    expect(() => createSampler(3, options)).toThrow(/sampling: .* expected/);
  const diverged = new Float32Array(3).fill(Number.NaN);
  for (const temperature of [0, 1])
    expect(() => createSampler(3, { temperature }).sample(diverged, 7)).toThrow(/position 7 are not finite/);
});
