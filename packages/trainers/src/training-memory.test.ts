/** The estimate against peak resident sets measured with `npm run bench -- train` and its siblings (docs/performance.md). */
import type { LmConfig } from '@t2r/models';
import { expect, test } from 'vitest';
import { trainingMemory } from './training-memory.js';

const MIB = 2 ** 20;

interface Measured {
  layers: number;
  dim: number;
  heads: number;
  vocab: number;
  batch: number;
  block: number;
  recompute?: boolean;
  parameters: number;
  /** MiB. */
  peak: number;
}

const reference = { layers: 4, dim: 256, heads: 4, vocab: 8192, batch: 8, block: 256, parameters: 5.32e6 };
const larger = { layers: 12, dim: 768, heads: 12, vocab: 8192, batch: 2, block: 512, parameters: 91.7e6 };

test.each([
  ['the reference work', { ...reference, peak: 602 }],
  ['the model of the mini recipe', { ...reference, vocab: 4096, parameters: 4.27e6, peak: 545 }],
  ['12 layers of 768', { ...larger, peak: 2621 }],
  ['12 layers of 768, recomputed', { ...larger, recompute: true, peak: 2206 }],
  ['12 layers of 768, 64 tokens', { ...larger, batch: 1, block: 64, peak: 2102 }],
] as [string, Measured][])('%s: within 20 %% of what was measured', (_, measured) => {
  const { layers, dim, heads, vocab, batch, block, parameters, recompute = false, peak } = measured;
  const attention = Array.from({ length: layers }, () => ({ use: 'softmax' }));
  const config = { layers, dim, heads, vocab, ffn: 4 * dim, attention } as unknown as LmConfig;
  const sizes = { parameters, trained: parameters, others: 0, slots: 2, accumulates: false, logits: true };
  const estimate = trainingMemory({ config, batch, block, recompute, ...sizes }) / MIB;
  expect(Math.abs(estimate / peak - 1)).toBeLessThan(0.2);
});

test('linear attention in chunks keeps memory linear in the length of a sequence', () => {
  const of = (use: string, block: number) => {
    const attention = [{ use, ...(use === 't2r-mlp' && { features: 32 }) }];
    const config = { layers: 1, dim: 256, heads: 4, vocab: 1000, ffn: 1024, attention } as unknown as LmConfig;
    const sizes = { parameters: 0, trained: 0, others: 0, slots: 2, accumulates: false, logits: false };
    return trainingMemory({ config, batch: 4096 / block, block, recompute: false, ...sizes });
  };
  expect(of('t2r-mlp', 4096)).toBe(of('t2r-mlp', 512));
  expect(of('softmax', 4096)).toBeGreaterThan(1.5 * of('softmax', 512));
});
