/** Batches for evaluation and translation: all pairs once, by length, in an order that is always the same. */
import { batchLengths, type PairBatch, type PairIds, readBatch } from './batch.js';
import { assignShapes, type BatchShape, chooseShapes, rowsOf, type ShapeOptions } from './shapes.js';
import type { PairReader } from './types.js';

export interface PairEvaluationOptions extends Omit<ShapeOptions, 'shapes'> {
  /** As for training; given training's shapes, only what is longer than all of them gets one more. */
  shapes?: number | readonly BatchShape[];
}

export interface EvaluationBatches {
  readonly count: number;
  readonly shapes: readonly BatchShape[];
  /** A batch by its index; `pairs` tells which pair each row is, and `reader.line` where that stands in the text. */
  batch(index: number): PairBatch;
  [Symbol.iterator](): Iterator<PairBatch>;
}

/** Batches from the shortest pairs to the longest; equally long ones are in the order of the text. */
export function createEvaluationBatches(
  reader: PairReader,
  ids: PairIds,
  { shapes: given, maxTokens, rowMultiple = 8 }: PairEvaluationOptions,
): EvaluationBatches {
  const { source, target } = batchLengths(reader, ids);
  let shapes: readonly BatchShape[];
  if (typeof given === 'object') {
    shapes = withLonger(source, target, given, { maxTokens, rowMultiple });
  } else shapes = chooseShapes(source, target, { maxTokens, rowMultiple, shapes: given });
  const assigned = assignShapes(source, target, shapes);
  const order = Uint32Array.from(assigned.keys());
  order.sort((a, b) => assigned[a]! - assigned[b]! || source[a]! - source[b]! || target[a]! - target[b]! || a - b);
  const batches: { shape: BatchShape; members: Uint32Array }[] = [];
  for (let start = 0; start < order.length; ) {
    const number = assigned[order[start]!]!;
    const shape = shapes[number]!;
    let end = start + 1;
    while (end < order.length && end - start < shape.rows && assigned[order[end]!] === number) end++;
    batches.push({ shape, members: order.subarray(start, end) });
    start = end;
  }
  const batch = (index: number) => {
    const one = batches[index];
    if (one === undefined) throw new RangeError(`there is no batch ${index}: there are ${batches.length}`);
    return readBatch(reader, ids, one.shape, one.members);
  };
  return {
    count: batches.length,
    shapes: [...new Set(batches.map(({ shape }) => shape))],
    batch,
    *[Symbol.iterator]() {
      for (let i = 0; i < batches.length; i++) yield batch(i);
    },
  };
}

function withLonger(
  source: Uint32Array,
  target: Uint32Array,
  shapes: readonly BatchShape[],
  { maxTokens, rowMultiple }: Required<Omit<ShapeOptions, 'shapes'>>,
): readonly BatchShape[] {
  const assigned = assignShapes(source, target, shapes);
  let [s, t] = [0, 0];
  for (const [i, shape] of assigned.entries()) {
    if (shape >= 0) continue;
    s = Math.max(s, source[i]!);
    t = Math.max(t, target[i]!);
  }
  if (s === 0) return shapes;
  // A single sentence may be longer than a batch of training.
  return [...shapes, { rows: Math.max(1, rowsOf(Math.max(s, t), maxTokens, rowMultiple)), source: s, target: t }];
}
