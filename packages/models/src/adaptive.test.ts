import '@tensorflow/tfjs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { softmaxAttention } from '@t2r/attention';
import { type HostTensor, openEngine, type TensorMap } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodingFlops, parameterCount } from './cost.js';
import { createLanguageModel } from './decoder-lm.js';
import { embedTokens } from './embed.js';
import { createOutput } from './output.js';
import { initialWeights } from './parameters.js';
import { TINY, tinyModel } from './testing/tiny-model.js';
import type { LmConfig } from './types.js';

interface Golden {
  dim: number;
  vocab: number;
  cutoffs: number[];
  factor: number;
  parameters: Record<string, { shape: number[]; data: number[] }>;
  ids: number[];
  targets: number[];
  hidden: number[][];
  losses: number[];
  logProbabilities: number[][];
  gradients: Record<string, { data: number[] }>;
}
const golden = JSON.parse(await readFile(join(import.meta.dirname, '__fixtures__', 'adaptive.json'), 'utf8')) as Golden;
const { dim, vocab, cutoffs, factor } = golden;
const adaptive = { cutoffs, factor, tieProjections: true, dropout: 0 };
const config: LmConfig = { ...TINY, vocab, dim, adaptive };
const rows = golden.ids.length;
const output = createOutput(config);
const names = Object.keys(golden.parameters);
const values: Record<string, HostTensor> = Object.fromEntries(
  Object.entries(golden.parameters).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
);

function expectClose(actual: ArrayLike<number>, expected: number[], what = 'value'): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(Math.abs(actual[i]! - value), `${what}[${i}]`).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
  });
}

describe.each(['cpu', 'onnx'] as const)("adaptive inputs and softmax on engine %s: PyTorch's", (engineName) => {
  let results: Record<string, ArrayLike<number>>;
  beforeAll(async () => {
    const engine = await openEngine(engineName);
    const ids = { shape: [rows], dtype: 'int32' } as const;
    const program = await engine.compile({
      name: 'adaptive',
      inputs: { ids, targets: ids },
      variables: engine.variables(values),
      program: ({ ids, targets }, variables) => {
        const lossOf = (...tensors: tf.Tensor[]) => {
          const parameters: TensorMap = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
          const h = embedTokens(ids!, parameters, config);
          return output.trainingLoss(h, targets!, parameters, { labelSmoothing: 0 });
        };
        const gradients = tf.grads(lossOf)(names.map((name) => variables[name]!));
        const hidden = embedTokens(ids!, variables, config); // [rows, dim]
        return {
          outputs: {
            hidden,
            loss: output.trainingLoss(hidden, targets!, variables, { labelSmoothing: 0 }),
            negativeLogs: output.negativeLogs(hidden, targets!, variables),
            logits: output.logits(hidden, variables),
            ...Object.fromEntries(names.map((name, i) => [name, gradients[i]!])),
          },
        };
      },
    });
    results = await program.run({ ids: Int32Array.from(golden.ids), targets: Int32Array.from(golden.targets) });
    await program.dispose();
  });

  it('embeddings', () => expectClose(results.hidden!, golden.hidden.flat()));
  it('losses, in training and in evaluation', () => {
    const mean = golden.losses.reduce((sum, loss) => sum + loss, 0) / golden.losses.length;
    expectClose(results.loss!, [mean]);
    expectClose(results.negativeLogs!, golden.losses);
  });
  it('log-probabilities of the whole vocabulary', () => expectClose(results.logits!, golden.logProbabilities.flat()));
  it('gradients of tied tables, tied projections and clusters', () => {
    for (const name of names) expectClose(results[name]!, golden.gradients[name]!.data, name);
  });
});

const tiny = (options: Partial<LmConfig> = {}) =>
  tinyModel({ adaptive: { cutoffs: [3, 5], factor: 2, tieProjections: true, dropout: 0 }, ...options });

describe('a language model with adaptive inputs and softmax', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  it.each([
    ['tied', {}],
    ['with projections of its own', { adaptive: { cutoffs: [3, 5], factor: 2, tieProjections: false, dropout: 0 } }],
    ['untied', { tieOutput: false }],
  ])('%s: probabilities add up to 1 and agree with the losses', (_, options) => {
    const model = tiny(options);
    const parameters = Object.fromEntries(
      Object.entries(initialWeights(model, 1)).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]),
    );
    const ids = tf.tensor2d([0, 2, 3, 4, 5, 6], [2, 3], 'int32');
    const targets = tf.tensor2d([2, 3, 4, 5, 6, 0], [2, 3], 'int32');
    const scores = model.logits(model.hidden(ids, parameters), parameters).arraySync() as number[][][];
    const wanted = scores.flat().map((row, i) => {
      expect(row.reduce((sum, x) => sum + Math.exp(x), 0)).toBeCloseTo(1, 5);
      return -row[(targets.dataSync() as Int32Array)[i]!]!;
    });
    expectClose(model.negativeLogLikelihood(ids, targets, parameters).dataSync(), wanted);
    const mean = wanted.reduce((sum, x) => sum + x, 0) / wanted.length;
    expect(model.loss(ids, targets, parameters).arraySync()).toBeCloseTo(mean, 5);
    expect(() => model.loss(ids, targets, parameters, { labelSmoothing: 0.1 })).toThrow(/with an adaptive softmax/);
  });

  it('scores a decoded token as it scores it in parallel', () => {
    const model = tiny({ initStd: 0.5, scaleEmbedding: true });
    const weights = initialWeights(model, 1);
    const tensors = (of: typeof weights) =>
      Object.fromEntries(Object.entries(of).map(([name, { shape, data }]) => [name, tf.tensor(data, shape)]));
    const parameters = tensors(weights);
    const decoding = tensors(
      model.stepWeights(Object.fromEntries(Object.entries(weights).map(([name, { data }]) => [name, data]))),
    );
    const state = Object.fromEntries(model.state(2, 4).map(({ name, shape }) => [name, tf.zeros(shape)]));
    const position = tf.scalar(0, 'int32');
    const options = { positionInput: 'position' };
    const step = model.step(tf.tensor1d([1, 6], 'int32'), position, state, decoding, options);
    const parallel = model.logits(model.hidden(tf.tensor2d([1, 6], [2, 1], 'int32'), parameters), parameters);
    expectClose(step.logits.dataSync(), [...parallel.dataSync()]);
  });

  it('refuses bands that do not fit', () => {
    expect(() => tiny({ adaptive: { ...adaptive, cutoffs: [3, 7] } })).toThrow(/3, 7 do not divide a vocabulary of 7/);
    expect(() => tiny({ adaptive: { ...adaptive, cutoffs: [3], factor: 9 } })).toThrow(/leaves band 1/);
  });

  it('has the parameters of the 32-layer WikiText-103 model, and of the 16-layer one (247 million in its paper)', () => {
    const model = (layers: number) =>
      createLanguageModel(
        {
          ...TINY,
          vocab: 267_744,
          layers,
          dim: 1024,
          heads: 8,
          ffn: 4096,
          positions: 'sinusoidal',
          finalNorm: false,
          adaptive: { cutoffs: [20_000, 60_000], factor: 4, tieProjections: true, dropout: 0.2 },
        },
        new Array(layers).fill(softmaxAttention()),
      );
    const tables = 20_000 * 1024 + 40_000 * 256 + 207_744 * 64;
    const projections = (1024 + 256 + 64) * 1024;
    const clusters = 2 * 1024;
    const layer = 4 * (1024 * 1024 + 1024) + (1024 * 4096 + 4096) + (4096 * 1024 + 1024) + 2 * (2 * 1024);
    expect(parameterCount(model(32))).toBe(tables + projections + clusters + 32 * layer);
    expect(parameterCount(model(32))).toBe(448_473_088);
    expect(Math.round(parameterCount(model(16)) / 1e6)).toBe(247);
    // Multiplied: all matrices of the layers, every projection in, tied tables and the tails' projections out.
    const matrices = 32 * (4 * 1024 * 1024 + 2 * 1024 * 4096) + projections + clusters + tables + (256 + 64) * 1024;
    expect(decodingFlops(model(32), 0)).toBe(2 * matrices);
  });
});
