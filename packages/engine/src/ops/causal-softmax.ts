/** Softmax attention weights under a causal mask, and the whole causal attention with a lean gradient. */
import * as tf from '@tensorflow/tfjs-core';
import type { DropoutSource } from '../types.js';

/** Large enough that exp underflows to 0, small enough that float32 sums stay finite. */
const MASKED = -1e30;

/** [groups * queries, keys]: 0 where key <= query + (keys - queries), -1e30 elsewhere, the same for every group. */
function causalBias(queries: number, keys: number, groups: number): tf.Tensor2D {
  const bias = new Float32Array(groups * queries * keys);
  for (let row = 0; row < groups * queries; row++) {
    const t = row % queries;
    bias.fill(MASKED, row * keys + t + 1 + keys - queries, (row + 1) * keys);
  }
  return tf.tensor2d(bias, [groups * queries, keys]);
}

/** scores [..., groups * T, T], T rows a group -> weights that sum to one over the keys s <= t. */
export function causalSoftmax(scores: tf.Tensor, groups = 1): tf.Tensor {
  const [rows, keys] = scores.shape.slice(-2) as [number, number];
  return tf.softmax(tf.add(scores, causalBias(rows / groups, keys, groups)));
}

/** Queries `start` .. `end` - 1, which see the keys before `end`. */
export interface QueryBlock {
  start: number;
  end: number;
}

/** Smaller blocks skip more of the masked half but are more nodes; 64 rows are the fewest measured, and eight blocks skip 7/16 of it all. */
const BLOCK_ROWS = 64;
const MAX_BLOCKS = 8;

/** Blocks of about equal size over `time` queries; one where `groups` heads of queries share a head of keys. */
export function queryBlocks(time: number, groups = 1): QueryBlock[] {
  const count = groups === 1 ? Math.max(1, Math.min(MAX_BLOCKS, Math.floor(time / BLOCK_ROWS))) : 1;
  const size = Math.ceil(time / count);
  const starts = Array.from({ length: Math.ceil(time / size) }, (_, i) => i * size);
  return starts.map((start) => ({ start, end: Math.min(time, start + size) }));
}

/** Rows of every block, x [B, H, T, w] -> [B, H, block, w] each; as one node, which takes half the time of slices (measured). */
function cut(x: tf.Tensor, blocks: readonly QueryBlock[]): tf.Tensor[] {
  const sizes = blocks.map(({ start, end }) => end - start);
  return blocks.length === 1 ? [x] : tf.split(x, sizes, 2);
}

/** The first rows, x [B, H, T, w] -> [B, H, end, w]. */
function rowsBefore(x: tf.Tensor, end: number): tf.Tensor {
  const [batch, heads, time, width] = x.shape as [number, number, number, number];
  return end === time ? x : tf.slice(x, [0, 0, 0, 0], [batch, heads, end, width]);
}

/** Of a mask [B, H, T, T] what meets the weights of a block, [B, H, block, end]. */
function maskOf(mask: tf.Tensor, { start, end }: QueryBlock, blocks: readonly QueryBlock[]): tf.Tensor {
  const [batch, heads] = mask.shape as [number, number];
  return blocks.length === 1 ? mask : tf.slice(mask, [0, 0, start, 0], [batch, heads, end - start, end]);
}

/** Sum of tensors [B, H, rows, w] of growing numbers of rows, each over the leading rows. */
function sumLeading(parts: readonly tf.Tensor[]): tf.Tensor {
  let total = parts.at(-1)!;
  const tails: tf.Tensor[] = [];
  for (const part of parts.slice(0, -1).reverse()) {
    const [batch, heads, rows, width] = part.shape as [number, number, number, number];
    tails.unshift(tf.slice(total, [0, 0, rows, 0], [batch, heads, total.shape[2]! - rows, width]));
    total = tf.add(part, rowsBefore(total, rows));
  }
  return tails.length === 0 ? total : tf.concat([total, ...tails], 2);
}

/**
 * Causal softmax attention `softmax(q k^T / sqrt(d) + mask) v` (Vaswani et al. 2017, Eq. 1), with dropout on the weights.
 * q [batch, heads, T, d] -> [batch, heads, T, d]; k and v [batch, kvHeads, T, d], each for heads / kvHeads heads of q in a
 * row (grouped-query attention, Ainslie et al. 2023, arXiv 2305.13245): the heads of a group are further rows of one product.
 *
 * The gradient uses rowsum(dP * P) = rowsum(dY * Y) (Dao et al. 2022, arXiv 2205.14135, appendix B), which holds under
 * dropout too and saves two passes over [batch, heads, T, T]. Queries go by blocks, each with the keys up to its end, so
 * that most of the masked half of [T, T] is never computed.
 */
export function causalAttention(
  q: tf.Tensor,
  k: tf.Tensor,
  v: tf.Tensor,
  dropout?: { source: DropoutSource; rate: number },
): tf.Tensor {
  const scale = q.shape[q.rank - 1]! ** -0.5;
  const [batch, heads, time, width] = q.shape as [number, number, number, number];
  const kvHeads = k.shape[1]!;
  const groups = heads / kvHeads;
  const blocks = queryBlocks(time, groups);
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [qs, ks, vs, ...rest] = args as [tf.Tensor, tf.Tensor, tf.Tensor, ...(tf.Tensor | tf.GradSaveFunc)[]];
    const save = rest.pop() as tf.GradSaveFunc;
    const mask = rest[0] as tf.Tensor | undefined;
    const scaled = tf.mul(qs, scale); // [B, H, T, d]; with groups [B, kvHeads, groups * T, d], and so on
    const queries = cut(scaled, blocks); // [B, H, block, d]
    const weights = blocks.map((block, i) => {
      const scores = tf.matMul(queries[i]!, rowsBefore(ks, block.end), false, true);
      return causalSoftmax(scores, groups); // [B, H, block, end]
    });
    const values = weights.map((p, i) =>
      tf.matMul(masked(p, mask && maskOf(mask, blocks[i]!, blocks)), rowsBefore(vs, blocks[i]!.end)),
    );
    const value = values.length === 1 ? values[0]! : tf.concat(values, 2); // [B, H, T, d]
    save([ks, vs, value, ...queries, ...weights, ...(mask ? [mask] : [])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sk, sv, y] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const m = saved[3 + 2 * blocks.length];
      const inner = cut(tf.sum(tf.mul(dy, y), -1, true), blocks); // [B, H, block, 1]
      const dys = cut(dy, blocks); // [B, H, block, d]
      const parts = blocks.map((block, i) => {
        const [queries, p] = [saved[3 + i]!, saved[3 + blocks.length + i]!];
        const drops = m && maskOf(m, block, blocks);
        const dyBlock = dys[i]!;
        const dp = masked(tf.matMul(dyBlock, rowsBefore(sv, block.end), false, true), drops); // [B, H, block, end]
        const ds = tf.mul(p, tf.sub(dp, inner[i]!));
        return {
          dq: tf.matMul(ds, rowsBefore(sk, block.end)), // [B, H, block, d]
          dk: tf.matMul(ds, queries, true, false), // [B, H, end, d]
          dv: tf.matMul(masked(p, drops), dyBlock, true, false), // [B, H, end, d]
        };
      });
      const dq =
        parts.length === 1
          ? parts[0]!.dq
          : tf.concat(
              parts.map((part) => part.dq),
              2,
            );
      const gradients = [
        tf.mul(dq, scale),
        sumLeading(parts.map(({ dk }) => dk)),
        sumLeading(parts.map(({ dv }) => dv)),
      ];
      // The mask is drawn, not learned: nothing flows into it.
      return m === undefined ? gradients : [...gradients, tf.zerosLike(m)];
    };
    return { value, gradFunc };
  });
  const grouped = (x: tf.Tensor, columns: number) =>
    groups === 1 ? x : tf.reshape(x, [batch, kvHeads, groups * time, columns]);
  const drops =
    dropout === undefined || dropout.rate === 0
      ? []
      : [grouped(dropout.source.mask([batch, heads, time, time], dropout.rate), time)];
  const value = op(grouped(q, width), k, v, ...drops);
  return groups === 1 ? value : tf.reshape(value, [batch, heads, time, v.shape[3]!]);
}

function masked(x: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor {
  return mask === undefined ? x : tf.mul(x, mask);
}
