import attention from '@t2r/attention';
import { createRegistry, type UserError } from '@t2r/core';
import models from '@t2r/models';
import { expect, test } from 'vitest';
import { type ParameterChoice, trainedParameters } from './parameter-patterns.js';
import { tinyModel, VOCAB } from './test-context.js';

const registry = createRegistry([attention, models]);
const model = registry.create('model', { ...tinyModel, attention: { use: 't2r-mlp', features: 4 } }).build(VOCAB);
const all = model.parameters();
const names = (choice: ParameterChoice) => trainedParameters(all, choice).map(({ name }) => name);

test('without options everything is trained, at the rate of the schedule', () => {
  expect(trainedParameters(all, {})).toEqual(all.map((spec) => ({ ...spec, group: 0 })));
});

test('a star stands for any characters, a dot for itself', () => {
  const featureMaps = ['layers.0.attention.phi.weight', 'layers.1.attention.phi.weight'];
  expect(names({ train: ['layers.*.attention.phi.weight'] })).toEqual(featureMaps);
  expect(names({ train: ['layers.0.*'] })).toEqual(
    all.map(({ name }) => name).filter((name) => name.startsWith('layers.0.')),
  );
  expect(names({ freeze: ['embed.weight'] })).not.toContain('embed.weight');
  expect(() => names({ train: ['embed_weight'] })).toThrow('train: no parameter is named like "embed_weight"');
});

test('freeze wins over train', () => {
  expect(names({ train: ['layers.*.attention.*'], freeze: ['*.bias', '*.q.*', '*.k.*', '*.v.*', '*.out.*'] })).toEqual([
    'layers.0.attention.phi.weight',
    'layers.1.attention.phi.weight',
  ]);
  expect(() => names({ train: ['embed.*'], freeze: ['*'] })).toThrow('leave no parameter to train');
});

test('the first group that matches counts', () => {
  const groups = [
    { match: 'layers.0.attention.phi.weight', rate: 2 },
    { match: 'layers.*.attention.phi.weight', rate: 10 },
  ];
  const groupOf = Object.fromEntries(trainedParameters(all, { groups }).map(({ name, group }) => [name, group]));
  expect(groupOf['layers.0.attention.phi.weight']).toBe(1);
  expect(groupOf['layers.1.attention.phi.weight']).toBe(2);
  expect(groupOf['embed.weight']).toBe(0);
});

test('a pattern that matches nothing is an error with the nearest names', () => {
  const hint = (choice: ParameterChoice) => {
    try {
      names(choice);
    } catch (error) {
      return (error as UserError).hint;
    }
    throw new Error('nothing was thrown');
  };
  expect(hint({ freeze: ['layers.*.atention.*'] })).toContain('layers.*.attention.*');
  expect(hint({ freeze: ['embd.weight'] })).toContain('embed.weight');
  expect(hint({ train: ['lora'] })).toContain('Names are like');
  // A group of frozen parameters would have no effect.
  expect(() => names({ freeze: ['embed.*'], groups: [{ match: 'embed.*', rate: 2 }] })).toThrow(
    'groups: no trained parameter is named like "embed.*"',
  );
});
