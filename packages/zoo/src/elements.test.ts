import { expect, test } from 'vitest';
import { readTensors } from './open.js';
import { fixture } from './testing/fixtures.js';

// Few of these values are in any checkpoint, so all bit patterns are compared.
test('eight-bit floats are the values that PyTorch gives them', async () => {
  const { tensors } = await readTensors(fixture('float8', 'all.safetensors'));
  const { tensors: expected } = await readTensors(fixture('float8', 'all.expected.safetensors'));
  expect(tensors).toEqual(expected);
});
