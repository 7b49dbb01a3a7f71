/** Named ops: the compiled kernel and the hand-written gradient against the composition of plain ops and its autodiff. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { type Case, evaluateCase, largestError, openBoth } from '../testing/compare.js';
import type { Engine } from '../types.js';
import { causalAttention, causalSoftmax } from './causal-softmax.js';
import { crossEntropy, linearCrossEntropy } from './cross-entropy.js';
import { embedding } from './embedding.js';
import { gelu } from './gelu.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { relu } from './relu.js';

let engines: [Engine, Engine];
beforeAll(async () => {
  engines = await openBoth();
});

const ids = (shape: number[], count: number) => ({
  shape,
  dtype: 'int32' as const,
  range: [0, count] as [number, number],
});

/** Name, the op, and the same written with plain ops that TensorFlow.js differentiates itself. */
const OPS: [string, Case, Case['run']][] = [
  ['relu', { arguments: [{ shape: [3, 5] }], run: (x) => relu(x!) }, (x) => tf.relu(x!)],
  [
    'linear',
    { arguments: [{ shape: [2, 3, 4] }, { shape: [4, 5] }, { shape: [5] }], run: (x, w, b) => linear(x, w, b) },
    (x, w, b) => tf.add(tf.reshape(tf.matMul(tf.reshape(x, [6, 4]), w as tf.Tensor2D), [2, 3, 5]), b!),
  ],
  [
    'layerNorm',
    { arguments: [{ shape: [2, 3, 8] }, { shape: [8] }, { shape: [8] }], run: (x, w, b) => layerNorm(x, w, b, 1e-3) },
    (x, w, b) => {
      const mean = tf.mean(x, -1, true);
      const variance = tf.mean(tf.square(tf.sub(x, mean)), -1, true);
      return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-3))), w!), b!);
    },
  ],
  [
    'gelu',
    { arguments: [{ shape: [3, 5] }], run: (x) => gelu(x) },
    (x) => tf.mul(tf.mul(x, 0.5), tf.add(1, tf.erf(tf.div(x, Math.SQRT2)))),
  ],
  [
    'embedding',
    { arguments: [{ shape: [5, 3] }, ids([2, 4], 5)], run: (w, i) => embedding(w, i) },
    (w, i) => tf.gather(w, i as tf.Tensor2D),
  ],
  [
    'causalSoftmax',
    { arguments: [{ shape: [2, 5, 5] }], run: (x) => causalSoftmax(x) },
    (x) =>
      tf.softmax(
        tf.add(
          x,
          tf.tensor2d(
            Float32Array.from({ length: 25 }, (_, i) => (i % 5 <= Math.floor(i / 5) ? 0 : -1e9)),
            [5, 5],
          ),
        ),
      ),
  ],
  [
    'causalAttention',
    {
      arguments: [{ shape: [2, 2, 5, 4] }, { shape: [2, 2, 5, 4] }, { shape: [2, 2, 5, 4] }],
      run: (q, k, v) => causalAttention(q, k, v),
    },
    (q, k, v) => tf.matMul(causalSoftmax(tf.mul(tf.matMul(q, k!, false, true), 0.5)), v!),
  ],
  ...[0, 0.1].flatMap((smoothing): [string, Case, Case['run']][] => {
    const reference = (logits: tf.Tensor, targets: tf.Tensor) => {
      const logp = tf.logSoftmax(logits);
      const nll = tf.neg(tf.sum(tf.mul(logp, tf.cast(tf.oneHot(targets, 7), 'float32')), -1));
      return tf.add(tf.mul(nll, 1 - smoothing), tf.mul(tf.mean(logp, -1), -smoothing));
    };
    return [
      [
        `crossEntropy, smoothing ${smoothing}`,
        { arguments: [{ shape: [6, 7] }, ids([6], 7)], run: (x, t) => crossEntropy(x, t, smoothing) },
        (x, t) => reference(x, t!),
      ],
      [
        `linearCrossEntropy, smoothing ${smoothing}`,
        {
          arguments: [{ shape: [6, 3] }, { shape: [7, 3] }, ids([6], 7)],
          run: (h, w, t) => linearCrossEntropy(h, w, t, smoothing),
        },
        (h, w, t) => reference(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true), t!),
      ],
    ];
  }),
];

const dropoutMask = Float32Array.from({ length: 2 * 2 * 5 * 5 }, (_, i) => (i % 3 === 0 ? 0 : 1.5));
const fixedDropout = {
  mask: () => tf.tensor(dropoutMask, [2, 2, 5, 5]),
  dropout: (x: tf.Tensor) => tf.mul(x, tf.tensor(dropoutMask, [2, 2, 5, 5])),
  integers: () => tf.tensor1d([], 'int32'),
};
OPS.push([
  'causalAttention with dropout',
  {
    arguments: [{ shape: [2, 2, 5, 4] }, { shape: [2, 2, 5, 4] }, { shape: [2, 2, 5, 4] }],
    run: (q, k, v) => causalAttention(q!, k!, v!, { source: fixedDropout, rate: 0.3 }),
  },
  (q, k, v) => tf.matMul(fixedDropout.dropout(causalSoftmax(tf.mul(tf.matMul(q!, k!, false, true), 0.5))), v!),
]);

for (const [name, testCase, reference] of OPS) {
  it(`${name}: compiled = composed = differentiated by TensorFlow.js`, async () => {
    const [plain, compiled] = engines;
    const expected = await evaluateCase(plain, { arguments: testCase.arguments, run: reference });
    for (const engine of [plain, compiled]) {
      expect(largestError(await evaluateCase(engine, testCase), expected), engine.name).toBeLessThanOrEqual(2e-5);
    }
  });
}
