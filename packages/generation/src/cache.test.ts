import { expect, test } from 'vitest';
import { resizeCache, zeroState } from './cache.js';

test('a resized cache keeps each head at its positions', () => {
  // [batch 1, heads 2, capacity 2, headDim 2]; the hundreds digit is the head, the tens digit the position.
  const cache = { shape: [1, 2, 2, 2], data: Float32Array.of(100, 101, 110, 111, 200, 201, 210, 211) };
  const grown = resizeCache(cache, 3);
  expect(grown.shape).toEqual([1, 2, 3, 2]);
  expect([...grown.data]).toEqual([100, 101, 110, 111, 0, 0, 200, 201, 210, 211, 0, 0]);
  expect(resizeCache(grown, 2)).toEqual(cache);
  expect([...resizeCache(grown, 1).data]).toEqual([100, 101, 200, 201]);
});

test('a state begins as zeros', () => {
  expect(zeroState([{ name: 'layers.0.S', shape: [1, 2, 3] }])).toEqual({
    'layers.0.S': { shape: [1, 2, 3], data: new Float32Array(6) },
  });
});
