/** Every op and its gradient against TensorFlow.js's plain cpu backend, on random shapes, broadcasting included. */
import { createRandom } from '@t2r/core';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Argument, type Case, compareEngines, openBoth } from '../testing/compare.js';
import type { Engine } from '../types.js';

const TOLERANCE = 2e-5;
let engines: [Engine, Engine];
beforeAll(async () => {
  engines = await openBoth();
});

const random = createRandom(11, 'shapes');
/** A random shape of the given rank, dimensions 1 to 5. */
const shape = (rank: number) => Array.from({ length: rank }, () => 1 + random.integer(5));
const float = (dims: number[], range?: [number, number]): Argument => ({ shape: dims, range });
const int = (dims: number[], range: [number, number] = [-5, 6]): Argument => ({ shape: dims, dtype: 'int32', range });
const bool = (dims: number[]): Argument => ({ shape: dims, dtype: 'bool', range: [0, 2] });

/** Pairs of shapes that broadcast: equal, scalar, missing leading dimensions, ones on either side. */
function broadcastPairs(): [number[], number[]][] {
  const [a, b, c] = [3, 4, 2];
  return [
    [
      [a, b],
      [a, b],
    ],
    [[], [a, b]],
    [[b], [a, b]],
    [
      [a, 1],
      [1, b],
    ],
    [
      [c, a, b],
      [a, 1],
    ],
    [
      [1, 1, b],
      [c, a, 1],
    ],
  ];
}

function check(name: string, cases: Case[]) {
  it(name, async () => {
    for (const [i, testCase] of cases.entries()) {
      const shapes = testCase.arguments.map((argument) => `[${argument.shape}]`).join(' ');
      expect(await compareEngines(engines, testCase, i + 1), shapes).toBeLessThanOrEqual(TOLERANCE);
    }
  });
}

describe('unary', () => {
  const ops: [string, (x: tf.Tensor) => tf.Tensor, [number, number]?][] = [
    ['abs', tf.abs],
    ['neg', tf.neg],
    ['exp', tf.exp],
    ['expm1', tf.expm1],
    ['log', tf.log, [0.1, 4]],
    ['log1p', tf.log1p, [-0.5, 4]],
    ['sqrt', tf.sqrt, [0.1, 4]],
    ['rsqrt', tf.rsqrt, [0.1, 4]],
    ['square', tf.square],
    ['reciprocal', tf.reciprocal, [0.5, 3]],
    ['sin', tf.sin],
    ['cos', tf.cos],
    ['tan', tf.tan, [-1, 1]],
    ['tanh', tf.tanh],
    ['sigmoid', tf.sigmoid],
    ['relu', tf.relu],
    ['relu6', (x) => tf.relu6(x), [-4, 9]],
    ['leakyRelu', (x) => tf.leakyRelu(x, 0.1)],
    ['elu', tf.elu],
    ['erf', tf.erf],
    ['softplus', tf.softplus],
    ['step', (x) => tf.step(x)],
    ['step with slope', (x) => tf.step(x, 0.3)],
    ['clip', (x) => tf.clipByValue(x, -1, 0.5)],
    ['identity', tf.clone],
    ['pow 3', (x) => tf.pow(x, 3), [0.2, 2]],
  ];
  for (const [name, run, range] of ops) {
    check(
      name,
      [1, 2, 4].map((rank) => ({ arguments: [float(shape(rank), range)], run })),
    );
  }
  for (const [name, run] of [
    ['floor', tf.floor],
    ['ceil', tf.ceil],
    ['round', tf.round],
    ['sign', tf.sign],
  ] as const) {
    check(name, [{ arguments: [float(shape(3))], run }]);
  }
  check('zerosLike and onesLike', [
    { arguments: [float([2, 3])], run: (x) => tf.add(tf.mul(x, tf.onesLike(x)), tf.zerosLike(x)) },
  ]);
});

// TensorFlow.js's own gradients of these do not reduce broadcast axes, so their gradients are compared on equal shapes.
describe('binary without gradients under broadcasting', () => {
  const fixed = (argument: Argument): Argument => ({ ...argument, differentiate: false });
  for (const [name, run] of Object.entries({
    maximum: tf.maximum,
    minimum: tf.minimum,
    squaredDifference: tf.squaredDifference,
  })) {
    check(name, [
      { arguments: [float([3, 4]), float([3, 4])], run },
      ...broadcastPairs().map(([a, b]) => ({ arguments: [fixed(float(a)), fixed(float(b))], run })),
    ]);
  }
});

describe('binary, broadcasting', () => {
  const ops: [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor, [number, number]?][] = [
    ['add', tf.add],
    ['sub', tf.sub],
    ['mul', tf.mul],
    ['div', tf.div, [0.5, 2]],
    ['pow', tf.pow, [0.5, 2]],
    ['mod', (a, b) => tf.mod(a, b), [0.5, 3]],
  ];
  for (const [name, run, range] of ops) {
    check(
      name,
      broadcastPairs().flatMap(([a, b]) => [
        { arguments: [float(a, range), float(b, range)], run },
        { arguments: [float(b, range), float(a, range)], run },
      ]),
    );
  }
  const comparisons = {
    equal: tf.equal,
    notEqual: tf.notEqual,
    greater: tf.greater,
    greaterEqual: tf.greaterEqual,
    less: tf.less,
    lessEqual: tf.lessEqual,
  };
  for (const [name, run] of Object.entries(comparisons)) {
    check(
      name,
      broadcastPairs().map(([a, b]) => ({ arguments: [int(a, [0, 3]), int(b, [0, 3])], run })),
    );
  }
  check(
    'integers',
    broadcastPairs().map(([a, b]) => ({
      arguments: [int(a, [-9, 10]), int(b, [1, 5])],
      run: (x, y) => [tf.add(x, y), tf.mul(x, y), tf.floorDiv(x, y), tf.maximum(x, y), tf.mod(x, y)],
    })),
  );
  check('logical', [
    {
      arguments: [bool([3, 4]), bool([4])],
      run: (a, b) => [tf.logicalAnd(a, b), tf.logicalOr(a, b), tf.logicalNot(a)],
    },
  ]);
  check('where', [{ arguments: [bool([3, 4]), float([3, 4]), float([3, 4])], run: (c, a, b) => tf.where(c, a, b) }]);
  check('addN', [{ arguments: [float([3]), float([3]), float([3])], run: (...xs) => tf.addN(xs) }]);
  check('neutral and uniform constants', [
    { arguments: [float([3, 4])], run: (x) => tf.add(tf.mul(x, tf.ones([3, 4])), tf.zeros([4])) },
    { arguments: [float([3, 4])], run: (x) => tf.mul(tf.sub(x, tf.fill([3, 1], 0.5)), tf.fill([3, 4], 2)) },
    { arguments: [float([4])], run: (x) => tf.mul(x, tf.ones([3, 4])) },
    { arguments: [float([3])], run: (x) => tf.div(tf.sub(tf.zeros([3]), x), tf.ones([3])) },
  ]);
});

describe('reductions', () => {
  const axes: [number[], number | number[] | undefined][] = [
    [[4], 0],
    [[3, 4], 1],
    [[3, 4], undefined],
    [
      [2, 3, 4],
      [0, 2],
    ],
    [[2, 3, 4], -1],
  ];
  const ops = { sum: tf.sum, mean: tf.mean, max: tf.max, min: tf.min } as Record<
    string,
    (x: tf.Tensor, axis?: number | number[], keep?: boolean) => tf.Tensor
  >;
  for (const [name, op] of Object.entries(ops)) {
    check(
      name,
      axes.flatMap(([dims, axis]) =>
        [false, true].map((keep) => ({ arguments: [float(dims)], run: (x: tf.Tensor) => op(x, axis, keep) })),
      ),
    );
  }
  check('prod', [{ arguments: [{ ...float([3, 4], [0.5, 2]), differentiate: false }], run: (x) => tf.prod(x, 1) }]);
  check('all and any', [{ arguments: [bool([3, 4])], run: (x) => [tf.all(x, 1), tf.any(x, 0)] }]);
  check('argMax and argMin', [
    { arguments: [{ ...float([3, 5]), differentiate: false }], run: (x) => [tf.argMax(x, 1), tf.argMin(x, 0)] },
  ]);
  check('softmax', [
    { arguments: [float([3, 5])], run: (x) => tf.softmax(x) },
    { arguments: [float([2, 3, 5])], run: (x) => tf.softmax(x) },
  ]);
  check('logSoftmax', [{ arguments: [float([3, 5])], run: (x) => tf.logSoftmax(x) }]);
  check('logSumExp', [{ arguments: [float([3, 5])], run: (x) => tf.logSumExp(x, 1) }]);
  check('cumsum', [
    { arguments: [float([3, 5])], run: (x) => tf.cumsum(x, 1) },
    { arguments: [{ ...float([3, 5]), differentiate: false }], run: (x) => tf.cumsum(x, 0, true, true) },
  ]);
  const topFour = (x: tf.Tensor) => {
    const { values, indices } = tf.topk(x, 4);
    return [values, indices];
  };
  check('topk', [
    { arguments: [{ ...float([3, 9]), differentiate: false }], run: topFour },
    { arguments: [{ ...float([2, 3, 40]), differentiate: false }], run: topFour },
    { arguments: [int([3, 9], [-500, 500])], run: topFour },
    // Many equal values: the lower index comes first.
    { arguments: [int([20, 300], [0, 4])], run: topFour },
    { arguments: [int([20, 300], [0, 4])], run: (x) => topFour(tf.cast(x, 'float32')) },
    { arguments: [int([5, 9], [0, 3])], run: (x) => tf.topk(tf.cast(x, 'float32'), 9).indices },
  ]);
});

describe('layout', () => {
  check('reshape', [{ arguments: [float([3, 4])], run: (x) => tf.reshape(x, [2, -1]) }]);
  check('expandDims and squeeze', [
    { arguments: [float([3, 1, 4])], run: (x) => tf.expandDims(tf.squeeze(x, [1]), 0) },
  ]);
  check('transpose', [
    { arguments: [float([2, 3, 4])], run: (x) => tf.transpose(x, [2, 0, 1]) },
    { arguments: [float([2, 3])], run: (x) => tf.transpose(x) },
  ]);
  check('slice', [{ arguments: [float([4, 5])], run: (x) => tf.slice(x, [1, 2], [2, -1]) }]);
  check('reverse', [
    { arguments: [float([4, 5])], run: (x) => tf.reverse(x, [1]) },
    { arguments: [float([4, 5])], run: (x) => tf.reverse(x) },
  ]);
  check('split', [
    { arguments: [float([6, 5])], run: (x) => tf.split(x, 3, 0) },
    { arguments: [float([2, 7])], run: (x) => tf.split(x, [3, 4], 1) },
  ]);
  check('concat', [{ arguments: [float([2, 3]), float([2, 4])], run: (a, b) => tf.concat([a, b], 1) }]);
  check('stack and unstack', [
    { arguments: [float([2, 3]), float([2, 3])], run: (a, b) => tf.unstack(tf.stack([a, b], 1), 2) },
  ]);
  check('pad', [
    {
      arguments: [float([2, 3])],
      run: (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [2, 3],
          ],
          0.5,
        ),
    },
  ]);
  check('tile and broadcastTo', [
    { arguments: [float([2, 3])], run: (x) => tf.tile(x, [2, 3]) },
    { arguments: [float([2, 1])], run: (x) => tf.broadcastTo(x, [3, 2, 4]) },
  ]);
  check('gather', [
    { arguments: [float([5, 3]), int([4], [0, 5])], run: (x, i) => tf.gather(x, i as tf.Tensor1D) },
    { arguments: [float([2, 5]), int([3], [0, 5])], run: (x, i) => tf.gather(x, i as tf.Tensor1D, 1) },
    { arguments: [int([5, 3, 2]), int([7], [0, 5])], run: (x, i) => tf.gather(x, i as tf.Tensor1D) },
  ]);
  check('unsortedSegmentSum with repeated ids', [
    { arguments: [float([40, 3]), int([40], [0, 4])], run: (x, i) => tf.unsortedSegmentSum(x, i as tf.Tensor1D, 4) },
  ]);
  check('unsortedSegmentSum added to a tensor', [
    {
      arguments: [float([4, 3]), float([40, 3]), int([40], [0, 4])],
      run: (table, x, i) => {
        const sums = tf.unsortedSegmentSum(x!, i as tf.Tensor1D, 4);
        return [tf.add(table!, sums), tf.add(sums, table!), tf.add(sums, sums)];
      },
    },
    // A row that is repeated is not what the rows can be added into.
    {
      arguments: [float([1, 3]), float([40, 3]), int([40], [0, 4])],
      run: (row, x, i) => tf.add(row!, tf.unsortedSegmentSum(x!, i as tf.Tensor1D, 4)),
    },
  ]);
  check('oneHot', [{ arguments: [int([4], [0, 5])], run: (i) => tf.cast(tf.oneHot(i, 5), 'float32') }]);
  check('cast', [
    { arguments: [{ ...float([7]), differentiate: false }], run: (x) => [tf.cast(x, 'int32'), tf.cast(x, 'bool')] },
    { arguments: [int([5])], run: (x) => tf.cast(x, 'float32') },
  ]);
});

describe('matMul', () => {
  for (const [ta, tb] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ] as const) {
    const a = (batch: number[]) => float(ta ? [...batch, 3, 4] : [...batch, 4, 3]);
    const b = (batch: number[]) => float(tb ? [...batch, 5, 3] : [...batch, 3, 5]);
    const run = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ta, tb);
    check(`transposeA ${ta}, transposeB ${tb}`, [
      { arguments: [a([]), b([])], run },
      { arguments: [a([2]), b([2])], run },
      { arguments: [a([2, 3]), b([2, 3])], run },
    ]);
  }
});
