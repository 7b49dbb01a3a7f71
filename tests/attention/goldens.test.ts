import { type Engine, openEngine } from '@t2r/engine';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { goldenCases, goldenError } from './goldens.js';

const cases = await goldenCases();

describe.each(['cpu', 'onnx'] as const)('attention against PyTorch on engine %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });
  afterAll(() => engine.dispose());

  describe.each([
    ['softmax', 'auto'],
    ['t2r', 'quadratic'],
    ['t2r', 'chunked'],
    ['elu', 'quadratic'],
    ['elu', 'chunked'],
    ['rfa', 'quadratic'],
    ['rfa', 'chunked'],
    ['favor', 'quadratic'],
    ['favor', 'chunked'],
    ['hedgehog', 'quadratic'],
    ['hedgehog', 'chunked'],
  ] as const)('%s, %s form', (kind, form) => {
    it.each(cases)('$file: values and gradients within 1e-5', async (golden) => {
      const { tensor, error } = await goldenError(engine, golden, kind, form);
      expect(error, tensor).toBeLessThanOrEqual(1e-5);
    });
  });
});
