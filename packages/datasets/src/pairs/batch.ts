/** One batch of pairs, as a model and its loss take it. */
import type { BatchShape } from './shapes.js';
import type { PairReader, PairsData } from './types.js';

/**
 * Rows of pairs; all arrays lie row after row. Rows without a pair fill a batch up, so that its shape is one of few: their
 * weights are 0, and their source is one end of sentence, so that attention has something to attend to.
 */
export interface PairBatch {
  shape: BatchShape;
  /** Ids of the source, `[start] x [end]` and padding. [B * S] */
  source: Int32Array;
  /** 1 where the source has a token, 0 where it is padding. [B * S] */
  sourceMask: Float32Array;
  /** What the decoder reads: `start y` and padding. [B * T] */
  targetInput: Int32Array;
  /** What it is to predict there: `y end` and padding. [B * T] */
  targetOutput: Int32Array;
  /** 1 where a prediction counts, 0 at padding. [B * T] */
  weights: Float32Array;
  /** Tokens to predict: the sum of the weights, by which losses are averaged. */
  tokens: number;
  /** Tokens of the source. */
  sourceTokens: number;
  /** The pair of each row, by its number in the reader; -1 in rows that fill up. [B] */
  pairs: Int32Array;
}

/** What of a `pairs` artifact's data batches need. */
export type PairIds = Pick<PairsData, 'source' | 'target'>;

/** Tokens that batches add to each source sentence; the target gets one on either side. */
export const addedToSource = ({ source: { start, end } }: PairIds): number =>
  (start === undefined ? 0 : 1) + (end === undefined ? 0 : 1);

/** Lengths of all pairs as batches hold them. */
export function batchLengths(reader: PairReader, ids: PairIds): { source: Uint32Array; target: Uint32Array } {
  const added = addedToSource(ids);
  return {
    source: Uint32Array.from(reader.sourceLengths, (length) => Math.max(1, length + added)),
    target: Uint32Array.from(reader.targetLengths, (length) => length + 1),
  };
}

/** Reads some pairs into a batch of a shape, which they have to fit into. */
export function readBatch(reader: PairReader, ids: PairIds, shape: BatchShape, members: ArrayLike<number>): PairBatch {
  const { rows, source: S, target: T } = shape;
  const batch: PairBatch = {
    shape,
    source: new Int32Array(rows * S).fill(ids.source.pad),
    sourceMask: new Float32Array(rows * S),
    targetInput: new Int32Array(rows * T).fill(ids.target.pad),
    targetOutput: new Int32Array(rows * T).fill(ids.target.pad),
    weights: new Float32Array(rows * T),
    tokens: 0,
    sourceTokens: 0,
    pairs: new Int32Array(rows).fill(-1),
  };
  const { start, end, pad } = ids.source;
  for (let row = 0; row < rows; row++) {
    const s = row * S;
    const t = row * T;
    batch.targetInput[t] = ids.target.start;
    if (row >= members.length) {
      batch.source[s] = end ?? pad;
      batch.sourceMask[s] = 1;
      continue;
    }
    const pair = members[row]!;
    batch.pairs[row] = pair;
    let at = s;
    if (start !== undefined) batch.source[at++] = start;
    reader.readSource(pair, batch.source, at);
    at += reader.sourceLengths[pair]!;
    if (end !== undefined) batch.source[at++] = end;
    // An empty sentence without any mark is one position of padding.
    batch.sourceMask.fill(1, s, Math.max(at, s + 1));
    batch.sourceTokens += at - s;

    const length = reader.targetLengths[pair]!;
    reader.readTarget(pair, batch.targetOutput, t);
    batch.targetInput.set(batch.targetOutput.subarray(t, t + length), t + 1);
    batch.targetOutput[t + length] = ids.target.end;
    batch.weights.fill(1, t, t + length + 1);
    batch.tokens += length + 1;
  }
  return batch;
}
