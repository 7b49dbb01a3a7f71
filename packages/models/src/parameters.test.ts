import { describe, expect, it } from 'vitest';
import { initialParameter, initialWeights } from './parameters.js';
import { tinyModel } from './testing/tiny-model.js';

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
