import { describe, expect, it } from 'vitest';
import { decodingFlops, parameterCount, trainingFlops } from './cost.js';
import { tinyModel } from './testing/tiny-model.js';

// Written out for dim 8, ffn 12, vocab 7, 10 positions, 2 heads of 4, 3 features.
const ATTENTION = 4 * 8 * 8;
const FEED_FORWARD = 2 * 8 * 12;
const PHI = 2 * 3 * 4;

describe('cost of a model', () => {
  it('counts parameters', () => {
    const layer = ATTENTION + 4 * 8 + FEED_FORWARD + 12 + 8 + 4 * 8;
    expect(parameterCount(tinyModel())).toBe(7 * 8 + 10 * 8 + 2 * layer + (PHI + 2 * 3) + 2 * 8);
  });

  it('counts operations: two a weight, four an element of state, two an element of cache', () => {
    const weights = 7 * 8 + 2 * (ATTENTION + FEED_FORWARD) + PHI;
    const state = 2 * 3 * (4 + 1);
    const at = (position: number) => 2 * weights + 4 * state + 2 * (2 * position * 8);
    expect(decodingFlops(tinyModel(), 100)).toBe(at(100));
    expect(trainingFlops(tinyModel(), 64)).toBe(3 * at(32));
    expect(decodingFlops(tinyModel({ tieOutput: false }), 100)).toBe(at(100));
  });

  it('counts what heads of keys keep once and heads of queries read each', () => {
    const grouped = tinyModel({ kvHeads: 1, biases: { qkv: false } });
    const own = tinyModel({ biases: { qkv: false } });
    const dropped = 2 * 8 * 4; // half of k and of v
    const weights = 7 * 8 + 2 * (ATTENTION - dropped + FEED_FORWARD) + PHI / 2;
    // S and z once, updated by one head and read by two; a cache of one head read by two.
    expect(decodingFlops(grouped, 100)).toBe(2 * weights + (2 + 4) * (3 * 5) + 4 * (2 * 100 * 4));
    expect(grouped.stateBytes(100)).toBe(own.stateBytes(100) / 2);
  });

  it('counts gates, projections of a narrow table, and biases', () => {
    const plain = tinyModel();
    const gated = tinyModel({ gated: true });
    expect(parameterCount(gated) - parameterCount(plain)).toBe(2 * (8 * 12 + 12));
    expect(decodingFlops(gated, 0) - decodingFlops(plain, 0)).toBe(2 * 2 * 8 * 12);
    const narrow = tinyModel({ embedDim: 3, outputBias: true });
    expect(parameterCount(narrow) - parameterCount(plain)).toBe(7 * (3 - 8) + 2 * 3 * 8 + 7);
    expect(decodingFlops(narrow, 0) - decodingFlops(plain, 0)).toBe(2 * (7 * (3 - 8) + 2 * 3 * 8));
    const bare = tinyModel({ normKind: 'rms', biases: { qkv: false, out: false, ffn: false } });
    expect(parameterCount(plain) - parameterCount(bare)).toBe(5 * 8 + 2 * (4 * 8 + 12 + 8));
  });

  it('counts bytes of state: fixed for t2r, growing for softmax', () => {
    const model = tinyModel();
    expect(model.recurrent).toBe(false);
    expect(model.stateBytes(100) - model.stateBytes(0)).toBe(4 * 2 * 100 * 8);
    expect(model.stateBytes(0)).toBe(4 * 2 * 3 * 5);
  });
});
