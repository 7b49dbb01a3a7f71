import { expect, test } from 'vitest';
import { repeatedNgrams } from './restrictions.js';

test('tokens that would complete an n-gram again', () => {
  expect(repeatedNgrams([1, 2, 3, 1, 2], 3)).toEqual([3]);
  expect(repeatedNgrams([1, 2, 1, 3, 1], 2)).toEqual([2, 3]);
  expect(repeatedNgrams([4, 5], 1)).toEqual([4, 5]);
  expect(repeatedNgrams([1, 1, 1], 3)).toEqual([1]);
  expect(repeatedNgrams([1, 2, 3], 3)).toEqual([]);
  expect(repeatedNgrams([], 2)).toEqual([]);
});
