/** Feature maps folded into projections in training, where that is less work and nothing stands between the two. */
import '@tensorflow/tfjs';
import { type Attention, t2rMlpAttention } from '@t2r/attention';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLanguageModel } from './decoder-lm.js';
import { initialWeights } from './parameters.js';
import { TINY } from './testing/tiny-model.js';
import type { LmConfig, ObservedAttention } from './types.js';

const t2r = (features: number, rotate?: 'features') =>
  t2rMlpAttention({ features, activation: 'relu', bias: true, epsilon: 1e-2, form: 'auto', chunk: 4, rotate });

/** The same variant, and how many times it has folded its map. */
function counted(attention: Attention) {
  const folding = attention.folding!;
  const counts = { folded: 0 };
  const fold: typeof folding.fold = (...given) => {
    counts.folded++;
    return folding.fold(...given);
  };
  return { counts, attention: { ...attention, folding: { ...folding, fold } } };
}

const ids = tf.tensor2d([1, 2, 3, 4, 5, 6, 1, 3, 5, 2, 4, 6], [2, 6], 'int32');

/** Hidden states of a model of two layers of one variant, and how many of them were folded. */
function run(attention: Attention, options: Partial<LmConfig> = {}, observe?: (seen: ObservedAttention) => void) {
  const { counts, attention: variant } = counted(attention);
  const config: LmConfig = { ...TINY, initStd: 0.5, attention: [{ use: 't2r-mlp' }, { use: 't2r-mlp' }], ...options };
  const model = createLanguageModel(config, [variant, variant]);
  const weights = initialWeights(model, 1);
  const parameters = Object.fromEntries(
    Object.entries(weights).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
  );
  const plain = createLanguageModel(config, [
    { ...variant, folding: undefined },
    { ...variant, folding: undefined },
  ]);
  const hidden = model.hidden(ids, parameters, observe && { observe: (_, seen) => observe(seen) });
  const expected = plain.hidden(ids, parameters);
  return { folded: counts.folded, error: tf.max(tf.abs(tf.sub(hidden, expected))).arraySync() as number };
}

describe('projections', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each([
    ['of a T2R model', t2r(2), {}],
    ['without biases', t2r(2), { biases: { qkv: false, out: true, ffn: true } }],
    ['with grouped queries', t2r(2), { heads: 4, kvHeads: 2 }],
    ['with rotated features', t2r(2, 'features'), { positions: 'rotary' }],
  ] as [string, Attention, Partial<LmConfig>][])(
    '%s have the feature map folded in, to rounding',
    (_, variant, options) => {
      const { folded, error } = run(variant, options);
      expect(folded).toBe(2);
      expect(error).toBeLessThan(1e-5);
    },
  );

  it('stay as they are where queries and keys are rotated, where they are observed, and where folding is more work', () => {
    expect(run(t2r(2), { positions: 'rotary' }).folded).toBe(0);
    const widths: number[] = [];
    const observed = run(t2r(2), {}, ({ q, k }) => widths.push(q.shape[3]!, k.shape[3]!));
    expect(observed.folded).toBe(0);
    expect(widths).toEqual([4, 4, 4, 4]);
    expect(run(t2r(32)).folded).toBe(0);
  });
});
