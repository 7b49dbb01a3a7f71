/**
 * Grouped-query attention (Ainslie et al. 2023, arXiv 2305.13245): a head of keys and values serves heads / kvHeads heads of
 * queries, head h of the queries belonging to head floor(h / groups). The heads of a group are further rows of one product
 * with their keys, so that keys and values are never repeated: [B,H,T,w] and [B,kvHeads,groups * T,w] are the same in memory.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { AttentionShape } from './contract.js';

type Shape4D = [number, number, number, number];

/** Heads of queries to one of keys. */
export const groupsOf = (queries: tf.Tensor, keys: tf.Tensor): number => queries.shape[1]! / keys.shape[1]!;

/** [B,H,T,w] -> [B,H / groups,groups * T,w]. */
export function groupRows(x: tf.Tensor, groups: number): tf.Tensor {
  if (groups === 1) return x;
  const [batch, heads, time, width] = x.shape as Shape4D;
  return tf.reshape(x, [batch, heads / groups, groups * time, width]);
}

/** The inverse of `groupRows`. */
export function ungroupRows(x: tf.Tensor, groups: number): tf.Tensor {
  if (groups === 1) return x;
  const [batch, heads, rows, width] = x.shape as Shape4D;
  return tf.reshape(x, [batch, heads * groups, rows / groups, width]);
}

/** What belongs to the positions of a group's keys, [..., T, w], for its rows of queries: [..., groups * T, w]. */
export function repeatRows(x: tf.Tensor, groups: number): tf.Tensor {
  return groups === 1 ? x : tf.concat(new Array<tf.Tensor>(groups).fill(x), x.rank - 2);
}

/** Heads [B,kvHeads,T,w], each `groups` times in a row: [B,kvHeads * groups,T,w]. */
export function repeatHeads(x: tf.Tensor, groups: number): tf.Tensor {
  if (groups === 1) return x;
  const [batch, heads, time, width] = x.shape as Shape4D;
  const repeated = tf.add(tf.reshape(x, [batch, heads, 1, time * width]), tf.zeros([1, 1, groups, 1]));
  return tf.reshape(repeated, [batch, heads * groups, time, width]);
}

/** Heads of keys and values. */
export const keyHeads = ({ heads, kvHeads = heads }: AttentionShape): number => kvHeads;

/**
 * The shape that feature maps and gates see: their weights, and the state they fill, belong to heads of keys and values.
 * Queries come to a feature map with the heads of a group as further rows.
 */
export function keyShape(shape: AttentionShape): AttentionShape {
  const { heads, headDim, modelDim = heads * headDim } = shape;
  return { heads: keyHeads(shape), headDim, modelDim };
}
