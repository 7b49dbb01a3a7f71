/** Batches of pairs: conventions, shapes, and that each pair comes exactly once. */
import { createRandom } from '@t2r/core';
import { describe, expect, it } from 'vitest';
import { memoryPairs } from '../testing/memory-pairs.js';
import { type PairBatch, type PairIds, readBatch } from './batch.js';
import { createEvaluationBatches } from './evaluation-batches.js';
import { createPairBatches } from './pair-batches.js';
import { assignShapes, type BatchShape, chooseShapes } from './shapes.js';

/** fairseq's: <s> 0, <pad> 1, </s> 2. */
const side = { language: 'x', vocab: 1000, unit: 'word', pad: 1 };
const ids: PairIds = { source: { ...side, end: 2 }, target: { ...side, start: 2, end: 2 } };

/** Sentences of lengths as in text; ids tell the pair and the position. */
function someReader(count: number, seed = 1) {
  const random = createRandom('pairs test', seed);
  const length = (about: number) => Math.max(1, Math.round(about * Math.exp(0.5 * random.normal())));
  return memoryPairs(
    Array.from({ length: count }, (_, pair) => {
      const source = length(12);
      const target = Math.max(1, Math.round(source * (0.8 + 0.5 * random.uniform())));
      const sentence = (n: number) => Array.from({ length: n }, (_, i) => 10 + ((pair * 31 + i) % 900));
      return [sentence(source), sentence(target)] as const;
    }),
  );
}

/** Everything a batch holds is what its pairs say. */
function checkBatch(batch: PairBatch, reader: ReturnType<typeof memoryPairs>): void {
  const { rows, source: S, target: T } = batch.shape;
  expect([batch.source.length, batch.sourceMask.length]).toEqual([rows * S, rows * S]);
  expect([batch.targetInput.length, batch.targetOutput.length, batch.weights.length]).toEqual(Array(3).fill(rows * T));
  let [tokens, sourceTokens] = [0, 0];
  for (const [row, pair] of batch.pairs.entries()) {
    const source = pair < 0 ? [] : Array.from({ length: reader.sourceLengths[pair]! }, () => 0);
    const target = pair < 0 ? [] : Array.from({ length: reader.targetLengths[pair]! }, () => 0);
    const [x, y] = [Int32Array.from(source), Int32Array.from(target)];
    if (pair >= 0) {
      reader.readSource(pair, x, 0);
      reader.readTarget(pair, y, 0);
    }
    const padded = (list: number[], length: number, fill: number) => [
      ...list,
      ...Array(length - list.length).fill(fill),
    ];
    const rowOf = (array: Int32Array | Float32Array, length: number) => [
      ...array.subarray(row * length, (row + 1) * length),
    ];
    expect(rowOf(batch.source, S)).toEqual(padded([...x, 2], S, 1));
    expect(rowOf(batch.sourceMask, S)).toEqual(padded(Array(x.length + 1).fill(1), S, 0));
    expect(rowOf(batch.targetInput, T)).toEqual(padded([2, ...y], T, 1));
    expect(rowOf(batch.targetOutput, T)).toEqual(padded(pair < 0 ? [] : [...y, 2], T, 1));
    expect(rowOf(batch.weights, T)).toEqual(padded(Array(pair < 0 ? 0 : y.length + 1).fill(1), T, 0));
    if (pair < 0) continue;
    tokens += y.length + 1;
    sourceTokens += x.length + 1;
  }
  expect([batch.tokens, batch.sourceTokens]).toEqual([tokens, sourceTokens]);
}

describe('a batch', () => {
  it("has fairseq's marks, padding on the right, and rows that fill it up", () => {
    const reader = memoryPairs([
      [[10, 11], [20]],
      [[12], [21, 22, 23]],
    ]);
    const batch = readBatch(reader, ids, { rows: 3, source: 4, target: 4 }, [1, 0]);
    expect([...batch.source]).toEqual([12, 2, 1, 1, 10, 11, 2, 1, 2, 1, 1, 1]);
    expect([...batch.sourceMask]).toEqual([1, 1, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0]);
    expect([...batch.targetInput]).toEqual([2, 21, 22, 23, 2, 20, 1, 1, 2, 1, 1, 1]);
    expect([...batch.targetOutput]).toEqual([21, 22, 23, 2, 20, 2, 1, 1, 1, 1, 1, 1]);
    expect([...batch.weights]).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
    expect([batch.tokens, batch.sourceTokens, ...batch.pairs]).toEqual([6, 5, 1, 0, -1]);
  });

  it('may begin with languages and another start', () => {
    const reader = memoryPairs([[[10], [20]]]);
    const mbart: PairIds = { source: { ...ids.source, start: 7, end: undefined }, target: { ...ids.target, start: 8 } };
    const batch = readBatch(reader, mbart, { rows: 1, source: 3, target: 2 }, [0]);
    expect([[...batch.source], [...batch.targetInput], [...batch.targetOutput]]).toEqual([
      [7, 10, 1],
      [8, 20],
      [20, 2],
    ]);
  });
});

describe('training batches', () => {
  const reader = someReader(3000);
  const options = { maxTokens: 512, seed: 3 };
  const batches = createPairBatches(reader, ids, options);

  it('hold every pair exactly once an epoch, within the budget, in few shapes', () => {
    for (const epoch of [0, 1]) {
      const seen: number[] = [];
      const shapes = new Set<string>();
      let positions = 0;
      for (let i = 0; i < batches.count; i++) {
        const batch = batches.at(epoch, i);
        const { rows, source, target } = batch.shape;
        if (i < 10) checkBatch(batch, reader);
        expect(rows * Math.max(source, target)).toBeLessThanOrEqual(512);
        expect(rows < 8 || rows % 8 === 0).toBe(true);
        seen.push(...batch.pairs.filter((pair) => pair >= 0));
        shapes.add(`${rows} ${source} ${target}`);
        positions += rows * (source + target);
      }
      expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: 3000 }, (_, i) => i));
      expect(shapes.size).toBe(8);
      expect(positions).toBe(batches.positions);
    }
    const lengths = (array: ArrayLike<number>) => Array.from(array).reduce((sum, n) => sum + n + 1, 0);
    expect(batches.tokens).toBe(lengths(reader.sourceLengths) + lengths(reader.targetLengths));
  });

  it('depend on seed, epoch and index alone: any can be had at once, in any order', () => {
    const pairsOf = (made: typeof batches, epoch: number, index: number) => [...made.at(epoch, index).pairs];
    const wanted = [
      [2, 5],
      [0, 0],
      [2, 6],
      [1, batches.count - 1],
    ] as const;
    const expected = wanted.map(([epoch, index]) => pairsOf(batches, epoch, index));
    for (const [i, [epoch, index]] of [...wanted.entries()].reverse()) {
      expect(pairsOf(createPairBatches(reader, ids, options), epoch, index)).toEqual(expected[i]);
    }
    expect([...batches.batch(2 * batches.count + 5).pairs]).toEqual(expected[0]);
    expect(batches.shapeOf(2 * batches.count + 5)).toEqual(batches.at(2, 5).shape);
    expect(pairsOf(createPairBatches(reader, ids, { ...options, seed: 4 }), 2, 5)).not.toEqual(expected[0]);
  });

  it('come in another order each epoch, with other pairs together', () => {
    const order = (epoch: number) => Array.from({ length: batches.count }, (_, i) => batches.at(epoch, i));
    const [first, second] = [order(0), order(1)];
    expect(first.map(({ shape }) => shape)).not.toEqual(second.map(({ shape }) => shape));
    const together = (made: PairBatch[]) => new Set(made.map(({ pairs }) => [...pairs].sort().join()));
    const common = [...together(first)].filter((pairs) => together(second).has(pairs));
    expect(common.length).toBeLessThan(batches.count / 20);
  });

  it('a batch that does not exist, pairs that fit nowhere, no pairs', () => {
    expect(() => batches.at(0, batches.count)).toThrow(/there is no batch \d+ in epoch 0/);
    expect(() => batches.at(-1, 0)).toThrow(RangeError);
    const longest = memoryPairs([[Array(99).fill(5), [5]]]);
    expect(() => createPairBatches(longest, ids, { maxTokens: 64, seed: 1 })).toThrow(
      /a sentence of 100 tokens does not fit into a batch of 64/,
    );
    const shapes = [{ rows: 2, source: 10, target: 10 }];
    expect(() => createPairBatches(longest, ids, { maxTokens: 64, seed: 1, shapes })).toThrow(
      /a pair of 100 and 2 tokens fits into no shape/,
    );
    expect(() => createPairBatches(memoryPairs([]), ids, options)).toThrow(/there is no pair/);
  });
});

describe('shapes', () => {
  const positions = (source: number[], target: number[], shapes: readonly BatchShape[]) =>
    [...assignShapes(source, target, shapes)].reduce((sum, at) => sum + shapes[at]!.source + shapes[at]!.target, 0);

  it('leave as few positions empty as any cut of the lengths can', () => {
    const random = createRandom('shapes', 1);
    for (let round = 0; round < 40; round++) {
      const draw = () => Array.from({ length: 40 }, () => 1 + random.integer(9));
      const [source, target] = [draw(), draw()];
      const count = 1 + random.integer(4);
      const chosen = chooseShapes(source, target, { maxTokens: 100, shapes: count });
      expect(chosen.length).toBeLessThanOrEqual(count);
      const longer = source.map((s, i) => Math.max(s, target[i]!));
      // All sets of at most `count` longest lengths, the last of which is the longest of all.
      let best = Number.POSITIVE_INFINITY;
      for (let set = 0; set < 1 << 10; set++) {
        const bounds = Array.from({ length: 10 }, (_, i) => i + 1).filter((_, i) => set & (1 << i));
        if (bounds.length > count || !bounds.includes(Math.max(...longer))) continue;
        const buckets = bounds.map((bound, i) =>
          longer.flatMap((l, at) => (l <= bound && l > (bounds[i - 1] ?? 0) ? [at] : [])),
        );
        const cost = buckets.reduce((sum, all) => {
          const most = (side: number[]) => Math.max(0, ...all.map((at) => side[at]!));
          return sum + all.length * (most(source) + most(target));
        }, 0);
        best = Math.min(best, cost);
      }
      expect(positions(source, target, chosen)).toBe(best);
    }
  });

  it('waste less, the more there are', () => {
    const reader = someReader(5000, 2);
    const waste = [1, 4, 8, 16].map((shapes) => {
      const made = createPairBatches(reader, ids, { maxTokens: 1024, seed: 1, shapes });
      return 1 - made.tokens / made.positions;
    });
    expect(waste).toEqual([...waste].sort((a, b) => b - a));
    expect(waste[2]).toBeLessThan(0.2);
  });

  it('of thousands of lengths are found at once', () => {
    const source = Array.from({ length: 20_000 }, (_, i) => 1 + ((i * 7919) % 20_000));
    const shapes = chooseShapes(source, source, { maxTokens: 40_000 });
    expect(shapes).toHaveLength(8);
    expect(shapes.at(-1)).toEqual({ rows: 2, source: 20_000, target: 20_000 });
  });
});

describe('evaluation batches', () => {
  const reader = someReader(700, 5);

  it('hold every pair once, short ones first, always in the same order', () => {
    const made = createEvaluationBatches(reader, ids, { maxTokens: 512 });
    const batches = [...made];
    expect(batches).toHaveLength(made.count);
    for (const batch of batches) checkBatch(batch, reader);
    const pairs = batches.flatMap((batch) => [...batch.pairs].filter((pair) => pair >= 0));
    expect([...pairs].sort((a, b) => a - b)).toEqual(Array.from({ length: 700 }, (_, i) => i));
    const sums = batches.map(({ shape }) => shape.source + shape.target);
    expect(sums).toEqual([...sums].sort((a, b) => a - b));
    expect([...createEvaluationBatches(reader, ids, { maxTokens: 512 })]).toEqual(batches);
    expect(() => made.batch(made.count)).toThrow(/there is no batch/);
  });

  it("take training's shapes, and one more for what is longer", () => {
    const training = createPairBatches(someReader(3000), ids, { maxTokens: 512, seed: 1 }).shapes;
    const made = createEvaluationBatches(reader, ids, { maxTokens: 512, shapes: training });
    expect(made.shapes.filter((shape) => !training.includes(shape)).length).toBeLessThanOrEqual(1);
    const longer = memoryPairs([
      [[9], [9]],
      [Array(600).fill(9), Array(700).fill(9)],
    ]);
    const shapes = createEvaluationBatches(longer, ids, { maxTokens: 512, shapes: training }).shapes;
    expect(shapes).toEqual([training[0], { rows: 1, source: 601, target: 701 }]);
  });
});
