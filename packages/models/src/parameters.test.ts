import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { initialParameter, initialWeights } from './parameters.js';
import { tinyModel } from './testing/tiny-model.js';
import type { LmConfig } from './types.js';

describe('initial weights', () => {
  it('depend on the seed and the name alone', () => {
    const weights = initialWeights(tinyModel(), 1);
    expect(initialWeights(tinyModel(), 1)).toEqual(weights);
    expect(initialWeights(tinyModel({ norm: 'post' }), 1)['layers.1.fc1.weight']).toEqual(
      weights['layers.1.fc1.weight'],
    );
    expect(initialWeights(tinyModel(), 2)['embed.weight']).not.toEqual(weights['embed.weight']);
    expect(weights['layers.0.fc1.weight']).not.toEqual(weights['layers.1.fc1.weight']);
  });

  it('of a seed never change', () => {
    const digest = (options: Partial<LmConfig>) => {
      const hash = createHash('sha256');
      for (const [name, { shape, data }] of Object.entries(initialWeights(tinyModel(options), 1)))
        hash.update(`${name} ${shape} `).update(data);
      return hash.digest('hex').slice(0, 16);
    };
    const adaptive = { cutoffs: [3, 5], factor: 2, tieProjections: false, dropout: 0 };
    expect(digest({})).toBe('221bdd951d690788');
    expect(digest({ tieOutput: false, scaleEmbedding: true, positions: 'sinusoidal', norm: 'post' })).toBe(
      '33f2d4d61e4250ce',
    );
    expect(digest({ adaptive, finalNorm: false })).toBe('77e072a0d1f59a9d');
  });

  it('follow their initializers', () => {
    const weights = initialWeights(tinyModel({ vocab: 1000, initStd: 0.05 }), 1);
    const embed = weights['embed.weight']!.data;
    const variance = embed.reduce((sum, x) => sum + x * x, 0) / embed.length;
    expect(Math.sqrt(variance)).toBeCloseTo(0.05, 2);
    expect(weights['final_norm.weight']!.data.every((x) => x === 1)).toBe(true);
    expect(weights['layers.1.attention.q.bias']!.data.every((x) => x === 0)).toBe(true);
    const phi = weights['layers.0.attention.phi.weight']!.data;
    expect(Math.max(...phi.map(Math.abs))).toBeLessThanOrEqual(0.5); // 1 / sqrt(headDim)
    expect(Math.max(...phi.map(Math.abs))).toBeGreaterThan(0.3);
  });

  it('fill constants, and the diagonals of identities', () => {
    expect(initialParameter({ name: 'a', shape: [2], init: { kind: 'constant', value: 3 } }, 1)).toEqual(
      Float32Array.of(3, 3),
    );
    expect(initialParameter({ name: 'a', shape: [2, 2, 3], init: { kind: 'identity' } }, 1)).toEqual(
      Float32Array.of(1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0),
    );
  });

  it('leave decay to matrices', () => {
    const undecayed = tinyModel()
      .parameters()
      .filter(({ decay }) => decay === false)
      .map(({ name }) => name);
    expect(undecayed.every((name) => /norm|bias/.test(name))).toBe(true);
    expect(undecayed).toContain('layers.0.attention.phi.bias');
  });
});
