import attentionPlugin, { type Attention } from '@t2r/attention';
import type { ComponentSpec, CreateContext } from '@t2r/core';
import { describe, expect, it } from 'vitest';
import { plugin } from './plugin.js';
import type { LanguageModel, LmConfig } from './types.js';

const context: CreateContext = {
  create: ((_kind: string, spec: ComponentSpec) => {
    const { use, ...options } = spec;
    const component = attentionPlugin.components.find(({ name }) => name === use)!;
    return component.create(component.schema.parse(options), context) as Attention;
  }) as CreateContext['create'],
};

const component = plugin.components[0]!;
const sizes = { layers: 2, dim: 8, heads: 2, ffn: 16 };
const build = (options: object) => {
  const built = component.create(component.schema.parse({ ...sizes, ...options }), context);
  return built as unknown as { build(vocab: number): LanguageModel; config: Omit<LmConfig, 'vocab'> };
};

describe('decoder-lm component', () => {
  it('gives every layer the one attention, with its defaults filled in', () => {
    const model = build({ attention: { use: 't2r-mlp', features: 4 } }).build(50);
    expect(model.config.vocab).toBe(50);
    expect(model.config.attention).toHaveLength(2);
    expect(model.config.attention[1]).toMatchObject({ use: 't2r-mlp', features: 4, epsilon: 0.01 });
    expect(model.recurrent).toBe(true);
  });

  it('takes a list with one attention a layer', () => {
    const model = build({ attention: [{ use: 't2r-mlp' }, { use: 'softmax' }] }).build(50);
    expect(model.attention.map(({ name }) => name)).toEqual(['t2r-mlp', 'softmax']);
  });

  it('refuses what does not fit', () => {
    const problems = (options: object) => component.schema.safeParse({ ...sizes, ...options }).error?.issues ?? [];
    expect(problems({ heads: 3 })[0]).toMatchObject({ path: ['heads'], message: 'must divide dim' });
    expect(problems({ attention: [{ use: 'softmax' }] })[0]).toMatchObject({ path: ['attention'] });
    expect(problems({ width: 3 })[0]).toMatchObject({ code: 'unrecognized_keys' });
  });
});
