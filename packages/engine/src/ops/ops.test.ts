/** Named ops: the compiled kernel and the hand-written gradient against the composition of plain ops and its autodiff. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { type Case, evaluateCase, largestError, openBoth } from '../testing/compare.js';
import type { Engine } from '../types.js';
import { causalAttention, causalSoftmax } from './causal-softmax.js';
import { crossEntropy, linearCrossEntropy } from './cross-entropy.js';
import { embedding } from './embedding.js';
import { gelu } from './gelu.js';
import { geluTanh } from './gelu-tanh.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { chunkRows, meanLinearCrossEntropy } from './mean-cross-entropy.js';
import { relu } from './relu.js';
import { rmsNorm } from './rms-norm.js';
import { rotate } from './rotate.js';
import { silu } from './silu.js';

let engines: [Engine, Engine];
beforeAll(async () => {
  engines = await openBoth();
});

const ids = (shape: number[], count: number) => ({
  shape,
  dtype: 'int32' as const,
  range: [0, count] as [number, number],
});

/** The rotation as a product with a matrix [d, d] of every position: rows a, b of a pair are (cos, sin) and (-sin, cos). */
function rotationMatrices(pairOf: (j: number) => [number, number], width: number): tf.Tensor {
  const matrices = new Float32Array(4 * width * width);
  for (let t = 0; t < 4; t++) {
    const at = (row: number, column: number) => (t * width + row) * width + column;
    for (let j = 0; j < width; j++) matrices[at(j, j)] = 1;
    for (let j = 0; j < 2; j++) {
      const [a, b] = pairOf(j);
      const angle = t * (j + 0.5);
      matrices[at(a, a)] = matrices[at(b, b)] = Math.cos(angle);
      matrices[at(a, b)] = Math.sin(angle);
      matrices[at(b, a)] = -Math.sin(angle);
    }
  }
  return tf.tensor(matrices, [1, 4, width, width]);
}

/** Two pairs of the first four columns turned at four positions by t (j + 1/2). */
const ROTATIONS = ([4, 7] as const).flatMap((width) =>
  (['halves', 'interleaved'] as const).map((pairs): [string, Case, Case['run']] => {
    const angles = Float32Array.from({ length: 8 }, (_, i) => Math.floor(i / 2) * ((i % 2) + 0.5));
    const table = (of: (x: number) => number) => tf.tensor(angles.map(of), [4, 2]);
    const pairOf = (j: number): [number, number] => (pairs === 'halves' ? [j, j + 2] : [2 * j, 2 * j + 1]);
    return [
      `rotate, ${pairs} of ${width}`,
      {
        arguments: [{ shape: [3, 2, 4, width] }],
        run: (x) => rotate(x!, table(Math.sin), table(Math.cos), pairs),
      },
      (x) => {
        const rows = tf.reshape(x!, [6, 4, 1, width]);
        const matrices = tf.add(rotationMatrices(pairOf, width), tf.zeros([6, 1, 1, 1]));
        return tf.reshape(tf.matMul(rows, matrices), [3, 2, 4, width]);
      },
    ];
  }),
);

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
    'rmsNorm',
    { arguments: [{ shape: [2, 3, 8] }, { shape: [8] }], run: (x, w) => rmsNorm(x!, w!, 1e-3) },
    (x, w) => tf.mul(tf.div(x!, tf.sqrt(tf.add(tf.mean(tf.square(x!), -1, true), 1e-3))), w!),
  ],
  ['silu', { arguments: [{ shape: [3, 5] }], run: (x) => silu(x!) }, (x) => tf.mul(x!, tf.sigmoid(x!))],
  [
    'geluTanh',
    { arguments: [{ shape: [3, 5], range: [-4, 4] }], run: (x) => geluTanh(x!) },
    (x) => {
      const inner = tf.mul(tf.add(x!, tf.mul(tf.pow(x!, 3), 0.044715)), Math.sqrt(2 / Math.PI));
      return tf.mul(tf.mul(x!, 0.5), tf.add(1, tf.tanh(inner)));
    },
  ],
  ...ROTATIONS,
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
  ...[128, 197].map((time): [string, Case, Case['run']] => [
    `causalAttention by blocks of queries, ${time} positions`,
    {
      arguments: [{ shape: [1, 2, time, 4] }, { shape: [1, 2, time, 4] }, { shape: [1, 2, time, 4] }],
      run: (q, k, v) => causalAttention(q!, k!, v!),
    },
    (q, k, v) => tf.matMul(causalSoftmax(tf.mul(tf.matMul(q!, k!, false, true), 0.5)), v!),
  ]),
  [
    'causalAttention with three heads of queries for one of keys and values',
    {
      arguments: [{ shape: [2, 6, 5, 4] }, { shape: [2, 2, 5, 4] }, { shape: [2, 2, 5, 4] }],
      run: (q, k, v) => causalAttention(q!, k!, v!),
    },
    (q, k, v) => {
      // Repeated along a new axis after the key heads, so that head h of the queries meets head floor(h / 3).
      const repeated = (x: tf.Tensor) =>
        tf.reshape(tf.add(tf.reshape(x, [2, 2, 1, 5, 4]), tf.zeros([2, 2, 3, 5, 4])), [2, 6, 5, 4]);
      const scores = tf.mul(tf.matMul(q!, repeated(k!), false, true), 0.5);
      return tf.matMul(causalSoftmax(scores), repeated(v!));
    },
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
        `meanLinearCrossEntropy in three chunks, smoothing ${smoothing}`,
        {
          arguments: [{ shape: [6, 3] }, { shape: [7, 3] }, ids([6], 7)],
          run: (h, w, t) => meanLinearCrossEntropy(h!, w!, t!, { labelSmoothing: smoothing, rows: 2 }),
        },
        (h, w, t) => tf.mean(reference(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true), t!)),
      ],
      [
        `meanLinearCrossEntropy with a bias and shares, chunks of 4 and 2, smoothing ${smoothing}`,
        {
          arguments: [
            { shape: [6, 3] },
            { shape: [7, 3] },
            { shape: [7] },
            { shape: [6], differentiate: false },
            ids([6], 7),
          ],
          run: (h, w, bias, shares, t) =>
            meanLinearCrossEntropy(h!, w!, t!, { labelSmoothing: smoothing, bias, shares, rows: 4 }),
        },
        (h, w, b, shares, t) =>
          tf.sum(
            tf.mul(reference(tf.add(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true), b!), t!), shares!),
          ),
      ],
    ];
  }),
];

const summedLogs = (logits: tf.Tensor, targets: tf.Tensor) =>
  tf.neg(tf.sum(tf.mul(tf.logSoftmax(logits), tf.cast(tf.oneHot(targets, 7), 'float32')), -1));
OPS.push(
  [
    'linearCrossEntropy',
    {
      arguments: [{ shape: [6, 3] }, { shape: [7, 3] }, ids([6], 7)],
      run: (h, w, t) => linearCrossEntropy(h!, w!, t!),
    },
    (h, w, t) => summedLogs(tf.matMul(h as tf.Tensor2D, w as tf.Tensor2D, false, true), t!),
  ],
  [
    'a table looked up in and multiplied by (tied output)',
    {
      arguments: [{ shape: [7, 3] }, ids([6], 7), ids([6], 7)],
      run: (w, i, t) => meanLinearCrossEntropy(embedding(w!, i!), w!, t!, { rows: 3 }),
    },
    (w, i, t) => {
      const looked = tf.gather(w!, i as tf.Tensor1D) as tf.Tensor2D;
      return tf.mean(summedLogs(tf.matMul(looked, w as tf.Tensor2D, false, true), t!));
    },
  ],
);

it.each([
  [2048, 256, 8192, 512],
  [8192, 256, 8192, 512],
  [1024, 768, 50257, 1024],
  [4096, 128, 256, 4096],
])('%i rows of width %i and %i words: chunks of %i rows', (rows, width, vocabulary, chunk) => {
  expect(chunkRows(rows, width, vocabulary)).toBe(chunk);
});
const dropoutMask = Float32Array.from({ length: 2 * 2 * 5 * 5 }, (_, i) => (i % 3 === 0 ? 0 : 1.5));
const fixedDropout = {
  mask: () => tf.tensor(dropoutMask, [2, 2, 5, 5]),
  dropout: (x: tf.Tensor) => tf.mul(x, tf.tensor(dropoutMask, [2, 2, 5, 5])),
  integers: () => tf.tensor1d([], 'int32'),
};
const groupedMask = Float32Array.from({ length: 2 * 4 * 5 * 5 }, (_, i) => (i % 3 === 0 ? 0 : 1.5));
OPS.push([
  'causalAttention with dropout and two heads of queries for one of keys and values',
  {
    arguments: [{ shape: [2, 4, 5, 4] }, { shape: [2, 2, 5, 4] }, { shape: [2, 2, 5, 4] }],
    run: (q, k, v) =>
      causalAttention(q!, k!, v!, {
        source: { ...fixedDropout, mask: () => tf.tensor(groupedMask, [2, 4, 5, 5]) },
        rate: 0.3,
      }),
  },
  (q, k, v) => {
    const repeated = (x: tf.Tensor) =>
      tf.reshape(tf.add(tf.reshape(x, [2, 2, 1, 5, 4]), tf.zeros([2, 2, 2, 5, 4])), [2, 4, 5, 4]);
    const weights = causalSoftmax(tf.mul(tf.matMul(q!, repeated(k!), false, true), 0.5));
    return tf.matMul(tf.mul(weights, tf.tensor(groupedMask, [2, 4, 5, 5])), repeated(v!));
  },
]);
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
