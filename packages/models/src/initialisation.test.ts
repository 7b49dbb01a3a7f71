/** `init: fairseq` against parameters that PyTorch drew (__fixtures__/fairseq-init.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { softmaxAttention } from '@t2r/attention';
import { describe, expect, it } from 'vitest';
import { createLanguageModel } from './decoder-lm.js';
import { initialWeights } from './parameters.js';
import { decoderLmSchema } from './schema.js';
import { TINY } from './testing/tiny-model.js';
import type { LmConfig, Weights } from './types.js';

interface Figures {
  /** Root mean square. */
  std: number;
  max: number;
}
const file = join(import.meta.dirname, '__fixtures__', 'fairseq-init.json');
const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Figures>;

function weights(options: Partial<LmConfig>): Weights {
  const config: LmConfig = { ...TINY, layers: 1, dim: 256, ffn: 1024, heads: 4, init: 'fairseq', ...options };
  return initialWeights(createLanguageModel(config, [softmaxAttention()]), 1);
}

function figures(data: Float32Array): Figures {
  const squares = data.reduce((sum, value) => sum + value * value, 0);
  return { std: Math.sqrt(squares / data.length), max: data.reduce((max, value) => Math.max(max, Math.abs(value)), 0) };
}

/** Tables, which are normal; everything else is uniform. */
const NORMAL = /^(embed(\.bands\.\d)?|positions|output)\.weight$/;

/** Spread and range of samples agree as two samples of one distribution do; the range of a normal one is too random. */
function expectLike(name: string, drawn: Weights, expected = golden[name]!): void {
  const { data } = drawn[name]!;
  const { std, max } = figures(data);
  // Four standard errors of the root mean square of a normal sample, of two samples.
  const tolerance = 4 * Math.sqrt(1 / data.length) * expected.std;
  expect(Math.abs(std - expected.std), name).toBeLessThanOrEqual(tolerance);
  if (NORMAL.test(name)) return;
  expect(Math.abs(max - expected.max), `${name}, range`).toBeLessThanOrEqual(0.03 * expected.max);
}

const adaptive = { cutoffs: [500, 2000], factor: 4, tieProjections: true, dropout: 0 };

describe('init: fairseq', () => {
  it('draws layers, bands and clusters as PyTorch does', () => {
    const drawn = weights({ vocab: 8000, adaptive, positions: 'sinusoidal' });
    for (const name of Object.keys(golden).filter((key) => key in drawn)) expectLike(name, drawn);
    for (const part of ['k', 'v'] as const) {
      for (const kind of ['weight', 'bias']) {
        const name = `layers.0.attention.${part}.${kind}`;
        expectLike(name, drawn, golden[`layers.0.attention.q.${kind}`]);
      }
    }
    expect(drawn['layers.0.norm1.weight']!.data.every((value) => value === 1)).toBe(true);
    expect(drawn['layers.0.norm2.bias']!.data.every((value) => value === 0)).toBe(true);
  });

  it('draws q, k, v and out of linear attention with the gain of initScale', () => {
    const drawn = weights({ vocab: 8000, adaptive, initScale: 6 });
    for (const part of ['q', 'k', 'v', 'out'])
      for (const kind of ['weight', 'bias']) {
        const like = part === 'out' ? 'out' : 'q';
        expectLike(`layers.0.attention.${part}.${kind}`, drawn, golden[`scaled.attention.${like}.${kind}`]);
      }
    expectLike('layers.0.fc1.weight', drawn);
  });

  it('draws whole tables with the standard deviation 1 / sqrt(dim)', () => {
    const drawn = weights({ vocab: 2000, maxPositions: 2000, tieOutput: false });
    for (const name of ['embed.weight', 'positions.weight', 'output.weight'])
      expectLike(name, drawn, golden['embed.weight']);
  });

  it('is what initScale belongs to', () => {
    const options = { layers: 1, dim: 8, heads: 2, ffn: 8, initScale: 6 };
    expect(decoderLmSchema.safeParse(options).error?.issues[0]).toMatchObject({
      path: ['initScale'],
      message: 'goes with init: fairseq',
    });
    expect(decoderLmSchema.safeParse({ ...options, init: 'fairseq' }).success).toBe(true);
  });
});
