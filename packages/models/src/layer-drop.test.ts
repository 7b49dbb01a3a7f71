import '@tensorflow/tfjs';
import { softmaxAttention } from '@t2r/attention';
import { type DropoutSource, openEngine, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createLanguageModel } from './decoder-lm.js';
import { initialWeights } from './parameters.js';
import { TINY, tinyModel } from './testing/tiny-model.js';

/** Masks that keep the layers marked 1; kept values are scaled up, as a dropout mask's are. */
const fixed = (keep: number[]): DropoutSource => {
  let layer = 0;
  return {
    dropout: (x) => x,
    mask: (shape, rate) => tf.fill([...shape], keep[layer++]! / (1 - rate)),
    integers: () => tf.tensor1d([], 'int32'),
  };
};

const model = tinyModel({ layerDrop: 0.3, initStd: 0.5 });
const weights = initialWeights(model, 1);
const ids = [1, 2, 3, 4, 5, 6];

describe('LayerDrop', () => {
  let parameters: TensorMap;
  let input: tf.Tensor;
  beforeAll(async () => {
    await tf.setBackend('cpu');
    parameters = Object.fromEntries(
      Object.entries(weights).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
    );
    input = tf.tensor2d(ids, [2, 3], 'int32');
  });

  it('gives what the model without the skipped layer gives', () => {
    const above = createLanguageModel({ ...TINY, layers: 1 }, [softmaxAttention()]);
    const renamed = Object.fromEntries(
      Object.entries(parameters).map(([name, value]) => [name.replace('layers.1.', 'layers.0.'), value]),
    );
    const skipped = model.hidden(input, parameters, { dropout: fixed([0, 1]) });
    expect(skipped.arraySync()).toEqual(above.hidden(input, renamed).arraySync());
  });

  it('leaves kept layers unscaled, and decides nothing in evaluation', () => {
    const plain = model.hidden(input, parameters).arraySync();
    expect(plain).toEqual(tinyModel({ initStd: 0.5 }).hidden(input, parameters).arraySync());
    expect(model.hidden(input, parameters, { dropout: fixed([1, 1]) }).arraySync()).toEqual(plain);
  });

  it('gives skipped layers no gradient', () => {
    const names = ['layers.0.fc1.weight', 'layers.1.fc1.weight'];
    const lossOf = (...values: tf.Tensor[]) => {
      const changed = { ...parameters, ...Object.fromEntries(names.map((name, i) => [name, values[i]!])) };
      return model.loss(input, input, changed, { dropout: fixed([0, 1]) });
    };
    const sizes = tf
      .grads(lossOf)(names.map((name) => parameters[name]!))
      .map((g) => tf.max(tf.abs(g)).arraySync());
    expect(sizes[0]).toBe(0);
    expect(sizes[1]).toBeGreaterThan(0);
  });

  it('skips as seed and step say when compiled', async () => {
    const engine = await openEngine('onnx');
    const compile = (seed: number) =>
      engine.compile({
        name: 'hidden',
        inputs: { ids: { shape: [2, 3], dtype: 'int32' } },
        constants: weights,
        seed,
        program: (inputs, values, dropout) => ({ outputs: { h: model.hidden(inputs.ids!, values, { dropout }) } }),
      });
    const run = async (seed: number) => {
      const program = await compile(seed);
      const feeds = { ids: Int32Array.from(ids) };
      const steps = [];
      for (let step = 0; step < 16; step++) steps.push((await program.run(feeds, { step })).h!.join());
      await program.dispose();
      return steps;
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
    const outcomes = new Set(first).size;
    expect(outcomes).toBeGreaterThan(1);
    expect(outcomes).toBeLessThanOrEqual(4); // each of two layers is in or out
  });
});
