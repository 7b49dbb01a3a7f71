import '@tensorflow/tfjs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { createNag, type NagOptions } from './nag.js';

interface Golden {
  initial: number[];
  gradients: number[][];
  rates: number[];
  nag: { momentum: number; weightDecay: number; parameters: number[][] }[];
}
const golden = JSON.parse(await readFile(join(import.meta.dirname, '__fixtures__', 'fairseq.json'), 'utf8')) as Golden;

/** Parameters after each of the golden's steps; gradients come `scale` times too small, with their scale beside them. */
function trajectory(options: NagOptions, decay = true, scale = 1): number[][] {
  const optimizer = createNag(options);
  let parameter: tf.Tensor = tf.tensor1d(golden.initial);
  let slots: Record<string, tf.Tensor> = { 'nag.velocity': tf.zerosLike(parameter) };
  return golden.rates.map((rate, step) => {
    const scalars = Object.fromEntries(
      Object.entries(optimizer.scalarsAt(step, rate)).map(([name, value]) => [name, tf.scalar(value)]),
    );
    const gradient = tf.tensor1d(golden.gradients[step]!.map((value) => value / scale));
    const gradientScale = scale === 1 ? undefined : tf.scalar(scale);
    ({ parameter, slots } = optimizer.update({ parameter, gradient, gradientScale, slots, scalars, decay }));
    return [...parameter.dataSync()];
  });
}

function expectClose(actual: number[][], expected: number[][]): void {
  expected.flat().forEach((value, i) => {
    expect(actual.flat()[i]).toBeCloseTo(value, 5);
  });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test.each(golden.nag)(
  'nag, momentum $momentum, decay $weightDecay: the parameters of fairseq while the rate changes',
  ({ momentum, weightDecay, parameters }) => {
    expectClose(trajectory({ momentum, weightDecay, decayAll: false }), parameters);
    expectClose(trajectory({ momentum, weightDecay, decayAll: false }, true, 0.25), parameters);
  },
);

test('biases and norms are decayed only on request', () => {
  const { momentum, weightDecay, parameters } = golden.nag.find((options) => options.weightDecay > 0)!;
  expectClose(trajectory({ momentum, weightDecay, decayAll: true }, false), parameters);
  const kept = trajectory({ momentum, weightDecay, decayAll: false }, false);
  expect(kept).toEqual(trajectory({ momentum, weightDecay: 0, decayAll: true }, true));
});
