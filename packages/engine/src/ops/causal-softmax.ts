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

/**
 * Causal softmax attention `softmax(q k^T / sqrt(d) + mask) v` (Vaswani et al. 2017, Eq. 1), with dropout on the weights.
 * q [batch, heads, T, d] -> [batch, heads, T, d]; k and v [batch, kvHeads, T, d], each for heads / kvHeads heads of q in a
 * row (grouped-query attention, Ainslie et al. 2023, arXiv 2305.13245): the heads of a group are further rows of one product.
 *
 * The gradient uses rowsum(dP * P) = rowsum(dY * Y) (Dao et al. 2022, arXiv 2205.14135, appendix B), which holds under
 * dropout too and saves two passes over [batch, heads, T, T].
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
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [qs, ks, vs, ...rest] = args as [tf.Tensor, tf.Tensor, tf.Tensor, ...(tf.Tensor | tf.GradSaveFunc)[]];
    const save = rest.pop() as tf.GradSaveFunc;
    const mask = rest[0] as tf.Tensor | undefined;
    const scaled = tf.mul(qs, scale); // [B, H, T, d]; with groups [B, kvHeads, groups * T, d], and so on
    const weights = causalSoftmax(tf.matMul(scaled, ks, false, true), groups); // [B, H, T, T]
    const value = tf.matMul(masked(weights, mask), vs); // [B, H, T, d]
    save([scaled, ks, vs, weights, value, ...(mask ? [mask] : [])]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sq, sk, sv, p, y, m] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor?];
      const dv = tf.matMul(masked(p, m), dy, true, false); // [B, H, T, d]
      const dp = masked(tf.matMul(dy, sv, false, true), m); // [B, H, T, T]
      const ds = tf.mul(p, tf.sub(dp, tf.sum(tf.mul(dy, y), -1, true))); // [B, H, T, T]
      const gradients = [tf.mul(tf.matMul(ds, sk), scale), tf.matMul(ds, sq, true, false), dv];
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
