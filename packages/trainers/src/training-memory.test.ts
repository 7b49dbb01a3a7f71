/** The estimate against peak resident sets measured with `npm run bench -- train` and its siblings (docs/performance.md). */
import type { ComponentSpec } from '@t2r/core';
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
  /** Attention of all layers. Default softmax. */
  use?: ComponentSpec;
  parameters: number;
  /** MiB. */
  peak: number;
}

const reference = { layers: 4, dim: 256, heads: 4, vocab: 8192, batch: 8, block: 256, parameters: 5.32e6 };
const larger = { layers: 12, dim: 768, heads: 12, vocab: 8192, batch: 2, block: 512, parameters: 91.7e6 };
const medium = { layers: 6, dim: 512, heads: 8, vocab: 16384, batch: 4, block: 512, parameters: 27.6e6 };
const small = { layers: 2, dim: 128, heads: 4, vocab: 4096, batch: 1, block: 4096, parameters: 1.45e6 };
const largest = { ...larger, vocab: 50257, batch: 1, block: 4096, parameters: 126.8e6 };
const chunked = { use: 't2r-mlp', features: 32, form: 'auto' };
const quadratic = { ...chunked, form: 'quadratic' };

test.each([
  ['the reference work', { ...reference, peak: 467 }],
  ['the model of the mini recipe', { ...reference, vocab: 4096, parameters: 4.27e6, peak: 453 }],
  ['32 sequences', { ...reference, batch: 32, peak: 1043 }],
  ['512 tokens', { ...reference, block: 512, peak: 797 }],
  ['1,024 tokens', { ...reference, batch: 4, block: 1024, peak: 907 }],
  ['T2R in chunks, 512 tokens', { ...reference, use: chunked, block: 512, peak: 595 }],
  ['T2R in chunks, 4,096 tokens', { ...reference, use: chunked, batch: 1, block: 4096, parameters: 6.34e6, peak: 629 }],
  ['T2R in the quadratic form', { ...reference, use: quadratic, batch: 4, block: 1024, peak: 972 }],
  ['4,096 tokens', { ...reference, batch: 1, block: 4096, parameters: 6.3e6, peak: 1596 }],
  [
    'T2R in the quadratic form, 4,096 tokens',
    { ...reference, use: quadratic, batch: 1, block: 4096, parameters: 6.34e6, peak: 2351 },
  ],
  ['2 layers of 128, 4,096 tokens', { ...small, peak: 966 }],
  ['2 layers of 128, 4,096 tokens, the quadratic form', { ...small, use: quadratic, peak: 1569 }],
  ['6 layers of 512, 4,096 tokens', { ...medium, batch: 1, block: 4096, parameters: 29.4e6, peak: 4758 }],
  [
    '6 layers of 512, 4,096 tokens, the quadratic form',
    { ...medium, use: quadratic, batch: 1, block: 4096, parameters: 29.5e6, peak: 6093 },
  ],
  ['12 layers of 768, 4,096 tokens', { ...largest, peak: 12058 }],
  ['12 layers of 768, T2R in chunks', { ...largest, use: chunked, peak: 5792 }],
  ['12 layers of 768, T2R in the quadratic form', { ...largest, use: quadratic, batch: 4, block: 1024, peak: 7850 }],
  ['6 layers of 512, T2R in chunks', { ...medium, use: chunked, peak: 1075 }],
  ['2 layers of 128', { ...reference, layers: 2, dim: 128, vocab: 4096, batch: 16, parameters: 0.954e6, peak: 334 }],
  ['6 layers of 512', { ...medium, peak: 1334 }],
  ['12 layers of 768', { ...larger, peak: 2468 }],
  ['12 layers of 768, recomputed', { ...larger, recompute: true, peak: 2149 }],
  ['12 layers of 768, 64 tokens', { ...larger, batch: 1, block: 64, peak: 1963 }],
  ['12 layers of 768, 50,257 words', { ...larger, vocab: 50257, parameters: 124e6, peak: 3152 }],
] as [string, Measured][])('%s: within 20 %% of what was measured', (_, measured) => {
  const { layers, dim, heads, vocab, batch, block, parameters, recompute = false, use = { use: 'softmax' } } = measured;
  const attention = Array.from({ length: layers }, () => use);
  const config = { layers, dim, heads, vocab, ffn: 4 * dim, attention } as unknown as LmConfig;
  const sizes = { parameters, trained: parameters, others: 0, slots: 2, accumulates: false, logits: true };
  const estimate = trainingMemory({ config, batch, block, recompute, ...sizes }) / MIB;
  expect(Math.abs(estimate / measured.peak - 1)).toBeLessThan(0.2);
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

test('queries that share heads of keys keep scores with all keys, others with those up to the end of their block', () => {
  const of = (kvHeads: number) => {
    const config = { layers: 1, dim: 256, heads: 4, kvHeads, vocab: 1000, ffn: 1024, attention: [{ use: 'softmax' }] };
    const sizes = { parameters: 0, trained: 0, others: 0, slots: 2, accumulates: false, logits: false };
    return trainingMemory({ config: config as unknown as LmConfig, batch: 1, block: 512, recompute: false, ...sizes });
  };
  expect(of(2) - of(4)).toBe(4 * 4 * 512 ** 2 * (1 - 9 / 16));
});
