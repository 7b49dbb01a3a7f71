import attention from '@t2r/attention';
import { createRegistry } from '@t2r/core';
import models, { type LmConfig, languageModel } from '@t2r/models';
import { expect, test } from 'vitest';
import { type FixedLayers, layersOption, planLayers, swappedLayers } from './layer-plan.js';
import { tinyModel, VOCAB } from './test-context.js';

const registry = createRegistry([attention, models]);
const config = (layers: number): LmConfig =>
  languageModel(registry.create('model', { ...tinyModel, layers }).build(VOCAB)).config;
const swapped = (layers: FixedLayers, count: number) => swappedLayers(planLayers(layers, config(count), 't2r-mlp'));

test('all, or a list checked against the model', () => {
  expect(swapped('all', 3)).toEqual([0, 1, 2]);
  expect(swapped([2, 0, 2], 3)).toEqual([0, 2]);
  expect(() => swapped([1, 3], 3)).toThrow('there is no layer 3 to swap: the model has 3 layers');
});

test('last-of-every-4 keeps every fourth layer counted from the top', () => {
  // 32 layers, the paper's language model: 8 keep softmax, the topmost among them.
  const kept = Array.from({ length: 32 }, (_, i) => i).filter((i) => !swapped('last-of-every-4', 32).includes(i));
  expect(kept).toEqual([3, 7, 11, 15, 19, 23, 27, 31]);
  // Where 4 does not divide the layers, the count still begins at the top.
  expect(swapped('last-of-every-4', 6)).toEqual([0, 2, 3, 4]);
  expect(swapped('last-of-every-2', 4)).toEqual([0, 2]);
  expect(swapped('last-of-every-4', 2)).toEqual([0]);
});

test('the plan says what each layer gets and why', () => {
  expect(planLayers('last-of-every-2', config(2), 't2r-mlp')).toEqual([
    { layer: 0, attention: 't2r-mlp', swapped: true, reason: 'not the last of every 2 layers' },
    { layer: 1, attention: 'softmax', swapped: false, reason: 'kept as the last of every 2 layers' },
  ]);
});

test('a plan that swaps nothing, or cannot be read, is refused', () => {
  expect(() => swapped('last-of-every-1', 4)).toThrow(
    "layers: last-of-every-1 leaves no layer of the model's 4 to swap",
  );
  expect(() => swapped('last-of-every-4', 1)).toThrow(/leaves no layer/);
  for (const wrong of ['last-of-every-0', 'last-of-every-four', 'every', []])
    expect(layersOption.safeParse(wrong).success).toBe(false);
  expect(layersOption.parse(undefined)).toBe('all');
});
