import { describe, expect, it } from 'vitest';
import type { Attention } from './contract.js';
import { plugin } from './plugin.js';

const component = (name: string) => plugin.components.find((c) => c.name === name)!;
const create = (name: string, options: object) => {
  const { schema, create: build } = component(name);
  return build(schema.parse(options), {
    create: () => {
      throw new Error('no attention nests another');
    },
  }) as Attention;
};

describe('attention components', () => {
  it('fill in the defaults of the paper', () => {
    const attention = create('t2r-mlp', {});
    expect(attention.options).toMatchObject({ features: 32, activation: 'relu', bias: true, epsilon: 0.01 });
    expect(create('t2r-mlp', attention.options).options).toEqual(attention.options);
  });

  it("add r * k * (d + 1) parameters a layer, the paper's count", () => {
    const specs = create('t2r-mlp', {}).parameters({ heads: 8, headDim: 128 });
    const count = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    expect(count).toBe(33_024);
    expect(create('softmax', {}).parameters({ heads: 8, headDim: 128 })).toEqual([]);
  });

  it('refuse unknown options', () => {
    expect(component('softmax').schema.safeParse({ features: 3 }).success).toBe(false);
    expect(component('t2r-mlp').schema.safeParse({ activation: 'elu' }).success).toBe(false);
  });

  it('have a state of fixed size, or a cache that grows', () => {
    const shape = { heads: 2, headDim: 4 };
    expect(create('t2r-mlp', { features: 3 }).state(shape, 5, 1000)).toEqual([
      { name: 'S', shape: [5, 2, 3, 4] },
      { name: 'z', shape: [5, 2, 3] },
    ]);
    expect(create('softmax', {}).state(shape, 5, 1000)).toEqual([
      { name: 'k', shape: [5, 2, 1000, 4], grows: true },
      { name: 'v', shape: [5, 2, 1000, 4], grows: true },
    ]);
  });
});
