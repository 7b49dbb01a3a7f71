import { describe, expect, it } from 'vitest';
import { createRandom, deriveSeed } from './random.js';

describe('createRandom', () => {
  it('gives the same numbers for the same labels and others for other labels', () => {
    const draw = (...labels: (number | string)[]) => {
      const random = createRandom(...labels);
      return [random.uniform(), random.uniform(), random.normal()];
    };
    expect(draw(1, 'data')).toEqual(draw(1, 'data'));
    expect(draw(1, 'data')).not.toEqual(draw(2, 'data'));
    expect(deriveSeed(1)).not.toBe(deriveSeed('1'));
  });

  it('has the moments of the distributions it names', () => {
    const random = createRandom(7);
    const n = 200_000;
    let sum = 0;
    let squares = 0;
    let uniform = 0;
    for (let i = 0; i < n; i++) {
      const x = random.normal();
      sum += x;
      squares += x * x;
      uniform += random.uniform();
    }
    expect(sum / n).toBeCloseTo(0, 2);
    expect(squares / n).toBeCloseTo(1, 1);
    expect(uniform / n).toBeCloseTo(0.5, 2);
  });

  it('permutes', () => {
    const order = createRandom(3).permutation(1000);
    expect([...order].sort((x, y) => x - y)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(order[0] === 0 && order[1] === 1).toBe(false);
  });
});
