/** The encoder-decoders of configs/model: valid, and of the sizes that their comments and the paper give. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import attention from '@t2r/attention';
import { type ComponentSpec, createRegistry } from '@t2r/core';
import models, { buildTranslationModel, parameterCount, type TranslationModel, translationModel } from '@t2r/models';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const registry = createRegistry([attention, models]);

function load(name: string, vocab: number): TranslationModel {
  const file = resolve(import.meta.dirname, `../../configs/model/${name}.yaml`);
  const { model } = parse(readFileSync(file, 'utf8')) as { model: ComponentSpec };
  return translationModel(registry.create('model', model).build(vocab));
}

/** T2R of the paper: 4 features in self-attention, 32 in cross-attention. */
function converted({ config }: TranslationModel): TranslationModel {
  const all = (features: number) => config.attention.map(() => ({ use: 't2r-mlp', features }));
  return buildTranslationModel({ ...config, attention: all(4), cross: all(32) }, registry);
}

describe('configs/model', () => {
  it('mt-mini', () => {
    const model = load('mt-mini', 8192);
    expect(parameterCount(model) / 1e6).toBeCloseTo(7.6, 1);
    expect(converted(model).recurrent).toBe(true);
  });

  it('transformer-big: parameters module by module as fairseq counts them, and T2R adds r k (d + 1) an attention', () => {
    const linear = (from: number, to: number) => from * to + to;
    const [dim, ffn, vocab, norm] = [1024, 4096, 37_000, 2 * 1024];
    const feed = linear(dim, ffn) + linear(ffn, dim) + norm;
    const attend = 4 * linear(dim, dim) + norm;
    const expected = vocab * dim + 6 * (attend + feed) + 6 * (2 * attend + feed);
    const model = load('transformer-big', vocab);
    expect(parameterCount(model)).toBe(expected);
    expect(Math.round(expected / 1e6)).toBe(214);
    const t2r = converted(model);
    expect(parameterCount(t2r) - expected).toBe(6 * (4160 + 33_280));
    // S and z of both, whatever the lengths; the transformer keeps 2 x 1024 numbers a layer and position of either side.
    expect(t2r.stateBytes(1, 1)).toBe(4 * 6 * 16 * (4 + 32) * 65);
    expect(t2r.stateBytes(1000, 1000)).toBe(t2r.stateBytes(1, 1));
    expect(model.stateBytes(1000, 1000)).toBe(4 * 6 * (2 * 2 * 1000 * 1024 + 1000));
  });
});
