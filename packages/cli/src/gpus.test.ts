import { expect, test } from 'vitest';
import { DEFAULT_GPU, findGpu, formatHours, GPUS, gpuHours, UTILISATION } from './gpus.js';

test('GPUs are found by name, and a wrong name is told the right ones', () => {
  expect(findGpu('A100').device).toBe('NVIDIA A100 SXM');
  expect(findGpu(DEFAULT_GPU)).toBe(GPUS.find(({ name }) => name === 'v100'));
  expect(() => findGpu('h10')).toThrow(/no rates are known of the GPU "h10"/);
});

test('peaks are those of the cores: clock times units times operations', () => {
  // float32: two operations a core and cycle, cores and boost clock in GHz of each model.
  const cores: Record<string, [number, number]> = {
    t4: [2560, 1.59],
    v100: [5120, 1.53],
    a100: [6912, 1.41],
    l4: [7424, 2.04],
    'rtx-4090': [16_384, 2.52],
    h100: [16_896, 1.98],
  };
  expect(GPUS.map(({ name }) => name)).toEqual(Object.keys(cores));
  for (const { name, float32, float16 } of GPUS) {
    const [count, clock] = cores[name]!;
    expect(Math.abs((2 * count * clock) / 1000 / float32 - 1), name).toBeLessThan(0.01);
    // Tensor cores: 2 to 16 times the ordinary ones, on every generation.
    expect(float16 / float32, name).toBeGreaterThanOrEqual(2);
    expect(float16 / float32, name).toBeLessThanOrEqual(16.1);
  }
});

test('hours are operations over a share of the peak', () => {
  const { float32, float16 } = gpuHours(1e18, findGpu('v100'));
  // A quarter of 125 TFLOP/s does 112,500 TFLOP an hour, and 10^18 operations are a million of them.
  expect(UTILISATION).toBe(0.25);
  expect(float16).toBeCloseTo(1_000_000 / 112_500, 9);
  expect(float32 / float16).toBeCloseTo(125 / 15.7, 9);
  expect([undefined, 0.04, 9.94, 9.96, 1012.4].map(formatHours)).toEqual(['–', '0.0 h', '9.9 h', '10 h', '1,012 h']);
});
