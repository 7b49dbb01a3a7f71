/**
 * Training batches of pairs of similar length. What a batch holds depends only on (seed, epoch, index), so a resumed run
 * sees what an uninterrupted one would.
 */
import { createRandom, UserError } from '@t2r/core';
import { batchLengths, type PairBatch, type PairIds, readBatch } from './batch.js';
import { assignShapes, type BatchShape, chooseShapes, type ShapeOptions } from './shapes.js';
import type { PairReader } from './types.js';

export interface PairBatchesOptions extends Omit<ShapeOptions, 'shapes'> {
  seed: number;
  /** Most shapes, which are then chosen by the lengths (default 8), or the shapes themselves, from short to long. */
  shapes?: number | readonly BatchShape[];
}

export interface PairBatches {
  /** Batches of an epoch: every pair is in exactly one of them. */
  readonly count: number;
  /** The shapes that occur, from short to long. */
  readonly shapes: readonly BatchShape[];
  /** Positions of an epoch's batches on both sides, and how many of them hold a token. */
  readonly positions: number;
  readonly tokens: number;
  /** A batch by its epoch and its index in it, both from 0. */
  at(epoch: number, index: number): PairBatch;
  /** The batch of a step from 0, epochs one after the other. */
  batch(step: number): PairBatch;
  /** The shape of the batch of a step, without reading it. */
  shapeOf(step: number): BatchShape;
}

/** Pairs of one shape: a stretch of the list of all. */
interface Bucket {
  shape: BatchShape;
  first: number;
  count: number;
  batches: number;
}

/**
 * Batches of a split. Pairs are in the bucket of the first shape that holds them; each epoch has a new order of the pairs in
 * a bucket and a new order of all batches. The last batch of a bucket is filled up with empty rows. Takes 12 bytes of
 * memory a pair.
 * @throws UserError when there is no pair, or one that fits into no shape.
 */
export function createPairBatches(reader: PairReader, ids: PairIds, options: PairBatchesOptions): PairBatches {
  const { seed } = options;
  const { shapes, members, tokens } = bucketMembers(reader, ids, options);
  const buckets: Bucket[] = [];
  let count = 0;
  let positions = 0;
  for (const [i, shape] of shapes.entries()) {
    const first = members.starts[i]!;
    const size = members.starts[i + 1]! - first;
    if (size === 0) continue;
    const batches = Math.ceil(size / shape.rows);
    buckets.push({ shape, first, count: size, batches });
    count += batches;
    positions += batches * shape.rows * (shape.source + shape.target);
  }
  /** The orders of one epoch, made when they are needed. */
  let current: { epoch: number; batches: Uint32Array; pairs: (Uint32Array | undefined)[] } | undefined;
  const ordersOf = (epoch: number) => {
    if (current?.epoch !== epoch) {
      current = { epoch, batches: createRandom('pair batches', seed, epoch).permutation(count), pairs: [] };
    }
    return current;
  };
  /** Bucket of a batch and its index in it. */
  const place = (epoch: number, index: number): { bucket: Bucket; number: number; within: number } => {
    if (!(Number.isInteger(epoch) && epoch >= 0 && Number.isInteger(index) && index >= 0 && index < count)) {
      throw new RangeError(`there is no batch ${index} in epoch ${epoch}: an epoch has ${count}`);
    }
    let within = ordersOf(epoch).batches[index]!;
    let number = 0;
    while (within >= buckets[number]!.batches) within -= buckets[number++]!.batches;
    return { bucket: buckets[number]!, number, within };
  };
  const at = (epoch: number, index: number): PairBatch => {
    const { bucket, number, within } = place(epoch, index);
    const { pairs } = ordersOf(epoch);
    pairs[number] ??= createRandom('pairs', seed, epoch, number).permutation(bucket.count);
    const { rows } = bucket.shape;
    const rowsHere = pairs[number].subarray(within * rows, (within + 1) * rows);
    return readBatch(
      reader,
      ids,
      bucket.shape,
      rowsHere.map((i) => members.list[bucket.first + i]!),
    );
  };
  return {
    count,
    shapes: buckets.map(({ shape }) => shape),
    positions,
    tokens,
    at,
    batch: (step) => at(Math.floor(step / count), step % count),
    shapeOf: (step) => place(Math.floor(step / count), step % count).bucket.shape,
  };
}

/** Pairs in the order of their shapes, and where each shape's begin. */
function bucketMembers(reader: PairReader, ids: PairIds, options: PairBatchesOptions) {
  if (reader.pairs === 0) throw new UserError('there is no pair to make batches of', { hint: 'check the split' });
  const { source, target } = batchLengths(reader, ids);
  const shapes =
    typeof options.shapes === 'object'
      ? options.shapes
      : chooseShapes(source, target, { ...options, shapes: options.shapes });
  const assigned = assignShapes(source, target, shapes);
  const starts = new Uint32Array(shapes.length + 1);
  let tokens = 0;
  for (const [i, shape] of assigned.entries()) {
    if (shape < 0) {
      throw new UserError(`a pair of ${source[i]} and ${target[i]} tokens fits into no shape of batches`, {
        hint: 'give a longer shape, or leave such pairs out with `maxTokens` of dataset/pairs',
      });
    }
    starts[shape + 1]!++;
    tokens += source[i]! + target[i]!;
  }
  for (let i = 0; i < shapes.length; i++) starts[i + 1]! += starts[i]!;
  const list = new Uint32Array(assigned.length);
  const next = starts.slice();
  for (const [i, shape] of assigned.entries()) list[next[shape]!++] = i;
  return { shapes, members: { list, starts }, tokens };
}
