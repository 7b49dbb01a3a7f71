/** Training batches of token blocks. What a batch holds depends only on (seed, step), so a resumed run sees the same. */
import { createRandom, UserError } from '@t2r/core';
import type { TokenReader } from './types.js';

export interface BlocksOptions {
  /** Tokens of a block (T). */
  block: number;
  /** Blocks of a batch (B). */
  batch: number;
  seed: number;
  /**
   * random: every block begins anywhere in the split, each place equally likely.
   * epochs: the split is cut into blocks side by side, which are taken in a new order each epoch; the tail is left out.
   */
  order: 'random' | 'epochs';
}

/** Batch of blocks, row after row. */
export interface Batch {
  /** [B * T] */
  inputs: Int32Array;
  /** [B * T], the inputs shifted by one: what follows each of them. */
  targets: Int32Array;
}

export interface Blocks {
  /** Blocks that lie side by side in the split: the blocks of an epoch. */
  readonly count: number;
  /** The batch of a step (from 0); writes into `out` when given. */
  batch(step: number, out?: Batch): Batch;
}

/**
 * Batches of a split.
 * @throws UserError when the split is shorter than one block and its last target.
 */
export function createBlocks(reader: TokenReader, { block, batch, seed, order }: BlocksOptions): Blocks {
  const count = Math.floor((reader.length - 1) / block);
  if (count < 1) {
    throw new UserError(`the split has ${reader.length} tokens, too few for a block of ${block} and what follows it`, {
      hint: 'take a smaller block or a longer text',
    });
  }
  const starts =
    order === 'random' ? randomStarts(reader.length, block, batch, seed) : epochStarts(count, block, batch, seed);
  const row = new Int32Array(block + 1);
  return {
    count,
    batch(step, out = { inputs: new Int32Array(batch * block), targets: new Int32Array(batch * block) }) {
      for (const [b, start] of starts(step).entries()) {
        reader.read(start, block + 1, row);
        out.inputs.set(row.subarray(0, block), b * block);
        out.targets.set(row.subarray(1), b * block);
      }
      return out;
    },
  };
}

/** Where the blocks of a step's batch begin. */
type Starts = (step: number) => number[];

function randomStarts(length: number, block: number, batch: number, seed: number): Starts {
  return (step) => {
    const random = createRandom('blocks', seed, step);
    return Array.from({ length: batch }, () => random.integer(length - block));
  };
}

function epochStarts(count: number, block: number, batch: number, seed: number): Starts {
  // A batch can reach over the end of an epoch, so the orders of two epochs are kept.
  const orders = new Map<number, Uint32Array>();
  const orderOf = (epoch: number) => {
    let order = orders.get(epoch);
    if (order === undefined) {
      if (orders.size >= 2) orders.delete(Math.min(...orders.keys()));
      order = createRandom('epoch', seed, epoch).permutation(count);
      orders.set(epoch, order);
    }
    return order;
  };
  return (step) =>
    Array.from({ length: batch }, (_, b) => {
      const at = step * batch + b;
      return orderOf(Math.floor(at / count))[at % count]! * block;
    });
}
