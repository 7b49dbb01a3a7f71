import { createRegistry } from '@t2r/core';
import { describe, expect, it } from 'vitest';
import { plugin } from './plugin.js';

const registry = createRegistry([plugin]);
const create = (name: string, options: object = {}) => registry.create('attention', { use: name, ...options });
const accepts = (name: string, options: object) => registry.get('attention', name)!.schema.safeParse(options).success;

describe('attention components', () => {
  it('fill in the defaults of the paper', () => {
    const attention = create('t2r-mlp');
    expect(attention.options).toMatchObject({ features: 32, activation: 'relu', bias: true, epsilon: 0.01 });
    expect(create('t2r-mlp', attention.options).options).toEqual(attention.options);
  });

  it("add r * k * (d + 1) parameters a layer, the paper's count", () => {
    const specs = create('t2r-mlp').parameters({ heads: 8, headDim: 128 });
    const count = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    expect(count).toBe(33_024);
    expect(create('softmax').parameters({ heads: 8, headDim: 128 })).toEqual([]);
  });

  it('refuse unknown options', () => {
    expect(accepts('softmax', { features: 3 })).toBe(false);
    expect(accepts('t2r-mlp', { activation: 'elu' })).toBe(false);
    expect(accepts('random-feature', { features: 7 })).toBe(false);
  });

  it('have a state of fixed size, or a cache that grows', () => {
    const shape = { heads: 2, headDim: 4 };
    expect(create('t2r-mlp', { features: 3 }).state(shape, 5, 1000)).toEqual([{ name: 'S', shape: [5, 2, 3, 5] }]);
    // Rotated numerators take other keys than denominators.
    expect(create('t2r-mlp', { features: 3, rotate: 'features' }).state(shape, 5, 1000)).toEqual([
      { name: 'S', shape: [5, 2, 3, 4] },
      { name: 'z', shape: [5, 2, 3] },
    ]);
    expect(create('softmax').state(shape, 5, 1000)).toEqual([
      { name: 'k', shape: [5, 2, 1000, 4], grows: true },
      { name: 'v', shape: [5, 2, 1000, 4], grows: true },
    ]);
  });

  it.each(registry.list('attention').map(({ name }) => name))('%s is made again from its own options', (name) => {
    const { options } = create(name);
    expect(create(name, options).options).toEqual(options);
    expect(JSON.parse(JSON.stringify(options))).toEqual(options);
  });

  it('keep only the window and sums of what is older', () => {
    const shape = { heads: 2, headDim: 4 };
    const sizes = (name: string, options: object) =>
      Object.fromEntries(
        create(name, options)
          .state(shape, 5, 1000)
          .map(({ name: tensor, shape: size }) => [tensor, size]),
      );
    const buffer = [5, 2, 8, 4];
    expect(sizes('softmax-window', { window: 8 })).toEqual({ k: buffer, v: buffer });
    expect(sizes('window-linear', { window: 8 })).toEqual({ k: buffer, v: buffer, S: [5, 2, 8, 5] });
    expect(sizes('t2r-norm', { features: 3 })).toEqual({ S: [5, 2, 3, 4] });
  });

  it('fuse where the map is affine up to its activation', () => {
    const fusable = (name: string, options: object = {}) => create(name, options).fuse !== undefined;
    expect(fusable('t2r-mlp') && fusable('t2r-norm') && fusable('hedgehog')).toBe(true);
    expect(fusable('random-feature', { normalize: false })).toBe(true);
    expect(fusable('random-feature', { normalize: false, gate: 'recency' })).toBe(false);
    expect(fusable('random-feature') || fusable('elu') || fusable('favor') || fusable('window-linear')).toBe(false);
  });
});
