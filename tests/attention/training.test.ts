/** What training adds to the forms: gradients, compiled and plain, with the projections of a step. */
import { type Engine, openEngine, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relativeNorm } from './compare.js';
import { createSample, type Sample } from './forms.js';
import { registry, VARIANTS } from './variants.js';

const SIZE = { batch: 2, heads: 2, time: 20, headDim: 4 };
const STEP = 3;

/** Output and gradients of its weighted sum by q, k, v, the layer's input and all parameters, in training. */
async function train(engine: Engine, spec: (typeof VARIANTS)[number][1], { tensors, parameters }: Sample) {
  const attention = registry.create('attention', spec);
  const { batch, heads, time, headDim } = SIZE;
  const shape = [batch, heads, time, headDim];
  const part = (i: number) => ({ shape, data: tensors.x!.data.map((x, j, all) => x + all[(j * 7 + i) % all.length]!) });
  const given = { q: part(1), k: part(2), v: part(3), input: tensors.x!, ...parameters };
  const names = Object.keys(given);
  const program = await engine.compile({
    name: 'training',
    inputs: given,
    program: (inputs, _, random) => {
      const forward = (...xs: tf.Tensor[]) => {
        const all = Object.fromEntries(names.map((name, i) => [name, xs[i]!])) as TensorMap;
        const y = attention.parallel(all.q!, all.k!, all.v!, all, { causal: true, random, input: all.input! });
        // Everything takes part, gated or not.
        return tf.add(tf.sum(tf.mul(y, all.q!)), tf.sum(all.input!));
      };
      const { value, grads } = tf.valueAndGrads(forward)(names.map((name) => inputs[name]!));
      return { outputs: { value, ...Object.fromEntries(names.map((name, i) => [`d${name}`, grads[i]!])) } };
    },
  });
  const run = (step: number) =>
    program.run(Object.fromEntries(Object.entries(given).map(([name, { data }]) => [name, data])), { step });
  const result = { here: await run(STEP), there: await run(STEP + 1) };
  await program.dispose();
  return result;
}

describe('training', () => {
  let engines: [Engine, Engine];
  beforeAll(async () => {
    engines = [await openEngine('cpu'), await openEngine('onnx')];
  });
  afterAll(async () => {
    for (const engine of engines) await engine.dispose();
  });

  it.each(VARIANTS)('%s: gradients are the same compiled, plain and in chunks', async (_, spec) => {
    const sample = createSample(registry.create('attention', spec), SIZE);
    const [plain, compiled] = [await train(engines[0], spec, sample), await train(engines[1], spec, sample)];
    for (const [name, data] of Object.entries(compiled.here)) {
      expect(relativeNorm(data, plain.here[name]!), name).toBeLessThanOrEqual(2e-5);
    }
    if ('form' in registry.create('attention', spec).options) {
      for (const form of ['quadratic', 'chunked']) {
        const other = await train(engines[1], { ...spec, form, chunk: 7 }, sample);
        for (const [name, data] of Object.entries(other.here)) {
          expect(relativeNorm(data, plain.here[name]!), `${name}, ${form}`).toBeLessThanOrEqual(2e-5);
        }
      }
    }
    const random = ['random-feature', 'favor'].some((use) => JSON.stringify(spec).includes(`"${use}"`));
    expect(relativeNorm(compiled.there.value!, compiled.here.value!) > 1e-6).toBe(random);
  });
});
