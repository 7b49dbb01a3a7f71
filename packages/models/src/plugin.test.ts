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

  it('takes adaptive bands, LayerDrop and no last norm, and writes nothing where they are absent', () => {
    const model = build({ adaptive: { cutoffs: [10, 20], factor: 2 }, layerDrop: 0.2, finalNorm: false }).build(50);
    expect(model.config.adaptive).toEqual({ cutoffs: [10, 20], factor: 2, tieProjections: true, dropout: 0 });
    const names = model.parameters().map(({ name }) => name);
    expect(names).toContain('embed.bands.2.projection');
    expect(names).not.toContain('final_norm.weight');
    expect(Object.keys(build({}).config)).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/adaptive|layerDrop|finalNorm/)]),
    );
  });

  it('refuses what does not fit', () => {
    const problems = (options: object) => component.schema.safeParse({ ...sizes, ...options }).error?.issues ?? [];
    expect(problems({ heads: 3 })[0]).toMatchObject({ path: ['heads'], message: 'must divide dim' });
    expect(problems({ attention: [{ use: 'softmax' }] })[0]).toMatchObject({ path: ['attention'] });
    expect(problems({ adaptive: { cutoffs: [20, 10] } })[0]).toMatchObject({ path: ['adaptive', 'cutoffs'] });
    expect(problems({ width: 3 })[0]).toMatchObject({ code: 'unrecognized_keys' });
  });
});
