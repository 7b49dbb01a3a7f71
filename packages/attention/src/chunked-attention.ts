/**
 * Causal linear attention in chunks with a hand-written gradient, for training: the chunked form of linear-forms.ts where
 * nothing is forgotten, rotated or normalised and no state precedes. With chunks of c positions, for each of them
 *
 *     A = tril(Q K^T)                         [c, c]
 *     E = sum of K^T V over the chunks before [k, d]     e = the same of K^T 1 [k]
 *     Y = (A V + Q E) / max(A 1 + Q e, epsilon)
 *
 * (Hua et al. 2022, arXiv 2202.10447, section 3.2; Yang et al. 2024, arXiv 2312.06635, section 3). All chunks are one batch of
 * every product, and sums over earlier chunks are one running sum over [chunks]. The gradient has the same shape: with
 * N = dY / m, m the bounded denominator, and n = -rowsum(N * Y) where the bound does not act,
 *
 *     B = tril(N V^T + n)      F = sum of Q^T N over the chunks after      f = the same of Q^T n
 *     dQ = B K + N E^T + n e^T      dK = B^T Q + V F^T + 1 f^T      dV = A^T N + K F
 *
 * What lives from forward to backward is linear in time: A and E besides the inputs and Y.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type GroupedChunks, joinGroups, splitGroups } from './group-chunks.js';
import { groupsOf, repeatRows } from './groups.js';
import { lowerTriangle } from './masks.js';

export interface ChunkedAttentionOptions {
  /** Lower bound of the denominator, as PyTorch's clamp_min. */
  epsilon: number;
  /** Most positions in a chunk. */
  chunk: number;
}

type Shape4D = [number, number, number, number];

/** Positions in a chunk: the largest number above chunk / 2 that divides `time`, so that nothing is padded; else `chunk`. */
export function chunkSize(time: number, chunk: number): number {
  if (time <= chunk) return time;
  for (let size = chunk; size * 2 > chunk; size--) if (time % size === 0) return size;
  return chunk;
}

/** Sums over the chunks before (or, `reverse`, after) each, [rows, chunks, a, b] of the same. */
function otherChunks(x: tf.Tensor, reverse = false): tf.Tensor {
  const [rows, chunks, a, b] = x.shape as Shape4D;
  return tf.reshape(tf.cumsum(tf.reshape(x, [rows, chunks, a * b]), 1, true, reverse), x.shape);
}

/** Sums over the rows of each chunk, [rows, chunks, c, w] -> [rows, chunks, 1, w], as a product with a row of ones. */
const columnSums = (x: tf.Tensor) => tf.matMul(tf.ones([1, 1, 1, x.shape[2]!]), x);

/**
 * Attention inside and between chunks, `groups` heads of queries to one of keys as further rows.
 * q [rows, chunks, groups * c, k], k [rows, chunks, c, k], v [rows, chunks, c, d] -> [rows, chunks, groups * c, d].
 */
function attendChunks(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, epsilon: number): tf.Tensor {
  const [, chunks, size] = k.shape as Shape4D;
  const causal = (x: tf.Tensor) => tf.mul(x, repeatRows(lowerTriangle(size), x.shape[2]! / size)); // [.., groups * c, c]
  const op = tf.customGrad((...args: (tf.Tensor | tf.GradSaveFunc)[]) => {
    const [qs, ks, vs, save] = args as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const within = causal(tf.matMul(qs, ks, false, true)); // A
    let numerator = tf.matMul(within, vs);
    let denominator = tf.matMul(within, tf.ones([1, 1, size, 1]));
    const before: tf.Tensor[] = [];
    if (chunks > 1) {
      const states = otherChunks(tf.matMul(ks, vs, true, false)); // E [rows, chunks, k, d]
      const sums = otherChunks(columnSums(ks)); // e [rows, chunks, 1, k]
      numerator = tf.add(numerator, tf.matMul(qs, states));
      denominator = tf.add(denominator, tf.matMul(qs, sums, false, true));
      before.push(states, sums);
    }
    const bounded = tf.maximum(denominator, epsilon); // m [rows, chunks, groups * c, 1]
    const value = tf.div(numerator, bounded);
    save([qs, ks, vs, within, denominator, bounded, value, ...before]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const [sq, sk, sv, a, total, m, y, ...earlier] = saved as [
        ...[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor],
        ...tf.Tensor[],
      ];
      const dn = tf.div(dy, m); // N
      const acts = tf.cast(tf.greaterEqual(total, epsilon), 'float32');
      const dd = tf.mul(tf.sum(tf.mul(dn, y), -1, true), tf.neg(acts)); // n [rows, chunks, groups * c, 1]
      const da = causal(tf.add(tf.matMul(dn, sv, false, true), dd)); // B
      let dq = tf.matMul(da, sk);
      let dk = tf.matMul(da, sq, true, false);
      let dv = tf.matMul(a, dn, true, false);
      const [states, sums] = earlier;
      if (states !== undefined && sums !== undefined) {
        const dStates = otherChunks(tf.matMul(sq, dn, true, false), true); // F [rows, chunks, k, d]
        const dSums = otherChunks(tf.matMul(dd, sq, true, false), true); // f [rows, chunks, 1, k]
        dq = tf.add(tf.add(dq, tf.matMul(dn, states, false, true)), tf.mul(dd, sums));
        dk = tf.add(tf.add(dk, tf.matMul(sv, dStates, false, true)), dSums);
        dv = tf.add(dv, tf.matMul(sk, dStates));
      }
      return [dq, dk, dv];
    };
    return { value, gradFunc };
  });
  return op(q, k, v);
}

/**
 * `phi(q_t) S_t / max(phi(q_t) z_t, epsilon)` (Kasai et al. 2021, Eq. 5-6) at all positions, from nothing.
 * queries [B,H,T,k], keys [B,kvHeads,T,k], values [B,kvHeads,T,d] -> [B,H,T,d]. Equals the quadratic form to rounding.
 */
export function chunkedAttention(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { epsilon, chunk }: ChunkedAttentionOptions,
): tf.Tensor {
  const [batch, heads, time] = queries.shape as Shape4D;
  const groups = groupsOf(queries, keys);
  const size = chunkSize(time, chunk);
  const chunks = Math.ceil(time / size);
  const added = chunks * size - time;
  const cut: GroupedChunks = { rows: batch * (heads / groups), groups, chunks, size };
  // Features of added positions are zero: they add nothing, and their outputs are dropped.
  const fill = (x: tf.Tensor) =>
    added === 0 ? x : tf.concat([x, tf.zeros([batch, x.shape[1]!, added, x.shape[3]!])], 2);
  const split = (x: tf.Tensor) => tf.reshape(fill(x), [cut.rows, chunks, size, x.shape[3]!]);
  const q = groups === 1 ? split(queries) : splitGroups(fill(queries), cut);
  const y = attendChunks(q, split(keys), split(values), epsilon);
  const width = values.shape[3]!;
  const joined = tf.reshape(groups === 1 ? y : joinGroups(y, cut), [batch, heads, chunks * size, width]);
  return added === 0 ? joined : tf.slice(joined, [0, 0, 0, 0], [batch, heads, time, width]);
}
