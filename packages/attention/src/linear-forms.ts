/**
 * The forms of linear attention, on features already mapped. All of them compute
 *
 *     y_t = phi(q_t) S_t / max(phi(q_t) z_t, epsilon),   S_t = sum_{s<=t} phi(k_s)^T v_s,   z_t = sum_{s<=t} phi(k_s)
 *
 * (Katharopoulos et al. 2020, Eq. 9-12; Kasai et al. 2021, Eq. 5-6), and differ in what they hold in memory.
 * Shapes: queries and keys [batch, heads, time, features], values [batch, heads, time, headDim].
 */
import type { DropoutSource } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { lowerTriangle } from './masks.js';

/** Recurrent state: S [batch, heads, features, headDim] and z [batch, heads, features]. */
export interface LinearState {
  S: tf.Tensor;
  z: tf.Tensor;
}

export interface LinearFormOptions {
  /** Lower bound of the denominator, applied as PyTorch's clamp_min: no gradient where it acts. */
  epsilon: number;
}

type Shape4D = [number, number, number, number];

function normalise(numerator: tf.Tensor, denominator: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.div(numerator, tf.maximum(denominator, epsilon));
}

/** Inner products over the last axis, a and b [B,H,T,k] -> [B,H,T,1], as a product with ones: its gradient is cheap. */
function innerProducts(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [batch, heads, time, width] = a.shape as Shape4D;
  const rows = tf.reshape(tf.mul(a, b), [batch * heads * time, width]); // [B*H*T, k]
  return tf.reshape(tf.matMul(rows, tf.ones([width, 1])), [batch, heads, time, 1]);
}

/**
 * [values | 1], [B,H,T,d+1]: z is the column of S that belongs to a value of 1, so numerator and denominator are one
 * product, and what cancels between their gradients (all of it where a row has one weight) cancels inside one product too.
 */
function appendOnes(values: tf.Tensor): tf.Tensor {
  const [batch, heads, time] = values.shape as Shape4D;
  return tf.concat([values, tf.ones([batch, heads, time, 1])], 3);
}

/** sums [..., T, d+1] as products with [values | 1] give them -> [..., T, d]. */
function normaliseSums(sums: tf.Tensor, epsilon: number): tf.Tensor {
  const [batch, heads, time, width] = sums.shape as Shape4D;
  const numerator = tf.slice(sums, [0, 0, 0, 0], [batch, heads, time, width - 1]);
  const denominator = tf.slice(sums, [0, 0, 0, width - 1], [batch, heads, time, 1]);
  return normalise(numerator, denominator, epsilon);
}

/** Causal, through the [time, time] similarities; the only form with dropout on the normalised weights. */
export function quadraticForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { epsilon, dropout }: LinearFormOptions & { dropout?: { source: DropoutSource; rate: number } },
): tf.Tensor {
  const [batch, heads, time] = queries.shape as Shape4D;
  const causal = tf.reshape(lowerTriangle(time), [1, 1, time, time]);
  const all = tf.matMul(queries, keys, false, true); // [B,H,T,T]
  if (dropout === undefined || dropout.rate === 0) {
    return normaliseSums(tf.matMul(tf.mul(all, causal), appendOnes(values)), epsilon); // [B,H,T,d]
  }
  // Dropout commutes with the division of whole rows, so it is one factor with the causal mask. The denominator is that of
  // all weights: phi(q_t) z_t, with z from a product with the triangle, which spares passes over [T,T].
  const mask = tf.mul(dropout.source.mask([batch, heads, time, time], dropout.rate), causal); // [B,H,T,T]
  const z = tf.matMul(causal, keys); // [B,H,T,k]
  return normalise(tf.matMul(tf.mul(all, mask), values), innerProducts(queries, z), epsilon);
}

/**
 * Causal, quadratic inside chunks and recurrent between them: work linear in time, and one state per chunk instead of one
 * per position. `state` is what came before the first position; without it nothing did.
 */
export function chunkedForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { epsilon, chunk, state }: LinearFormOptions & { chunk: number; state?: LinearState },
): { output: tf.Tensor; state: LinearState } {
  const [batch, heads, time, features] = keys.shape as Shape4D;
  const headDim = values.shape[3]!;
  const size = Math.min(chunk, time);
  const chunks = Math.ceil(time / size);
  const added = chunks * size - time;
  const split = (x: tf.Tensor) => {
    const width = x.shape[3]!;
    // Features of added positions are zero, so that they leave the state alone.
    const whole = added === 0 ? x : tf.concat([x, tf.zeros([batch, heads, added, width])], 2);
    return tf.reshape(whole, [batch * heads, chunks, size, width]);
  };
  const q = split(queries); // [B*H, n, c, k]
  const k = split(keys);
  const v = split(appendOnes(values)); // [B*H, n, c, d+1]
  const flat = features * (headDim + 1);

  const within = tf.mul(tf.matMul(q, k, false, true), lowerTriangle(size)); // [B*H, n, c, c]
  let sums = tf.matMul(within, v); // [B*H, n, c, d+1]
  const own = tf.reshape(tf.matMul(k, v, true, false), [batch * heads, chunks, flat]); // sums of each chunk, [B*H, n, k*(d+1)]
  const incoming = state && tf.reshape(joinState(state), [batch * heads, 1, flat]);
  if (chunks > 1 || incoming) {
    const earlier = tf.matMul(tf.reshape(lowerTriangle(chunks, { strict: true }), [1, chunks, chunks]), own);
    const entering = incoming ? tf.add(earlier, incoming) : earlier; // state before each chunk, [B*H, n, k*(d+1)]
    sums = tf.add(sums, tf.matMul(q, tf.reshape(entering, [batch * heads, chunks, features, headDim + 1])));
  }
  const joined = tf.reshape(sums, [batch, heads, chunks * size, headDim + 1]);
  const real = added === 0 ? joined : tf.slice(joined, [0, 0, 0, 0], [batch, heads, time, headDim + 1]);
  const total = tf.sum(own, 1, true); // [B*H, 1, k*(d+1)]
  const last = tf.reshape(incoming ? tf.add(total, incoming) : total, [batch, heads, features, headDim + 1]);
  return { output: normaliseSums(real, epsilon), state: splitState(last) };
}

/** One position: queries and keys [B,H,1,k], values [B,H,1,d]. */
export function recurrentForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  state: LinearState,
  { epsilon }: LinearFormOptions,
): { output: tf.Tensor; state: LinearState } {
  const [batch, heads, , features] = keys.shape as Shape4D;
  const outer = tf.mul(tf.reshape(keys, [batch, heads, features, 1]), values); // [B,H,k,d]
  const S = tf.add(state.S, outer);
  const z = tf.add(state.z, tf.reshape(keys, [batch, heads, features]));
  const denominator = tf.matMul(queries, tf.reshape(z, [batch, heads, features, 1])); // [B,H,1,1]
  return { output: normalise(tf.matMul(queries, S), denominator, epsilon), state: { S, z } };
}

/**
 * Not causal (cross-attention): every query sees all keys, so one state serves them all and no [queries, keys] matrix is
 * made. `absolute` bounds |phi(q) z| instead, as the released code of the paper does here.
 */
export function bidirectionalForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { epsilon, absolute }: LinearFormOptions & { absolute: boolean },
): tf.Tensor {
  const [batch, heads, time] = keys.shape as Shape4D;
  const S = tf.matMul(keys, values, true, false); // [B,H,k,d]
  const z = tf.matMul(keys, tf.ones([batch, heads, time, 1]), true, false); // [B,H,k,1]
  const denominator = tf.matMul(queries, z); // [B,H,T,1]
  return normalise(tf.matMul(queries, S), absolute ? tf.abs(denominator) : denominator, epsilon);
}

/** [S | z], [B,H,k,d+1]. */
function joinState({ S, z }: LinearState): tf.Tensor {
  return tf.concat([S, tf.expandDims(z, 3)], 3);
}

function splitState(joined: tf.Tensor): LinearState {
  const [batch, heads, features, width] = joined.shape as Shape4D;
  return {
    S: tf.slice(joined, [0, 0, 0, 0], [batch, heads, features, width - 1]),
    z: tf.reshape(tf.slice(joined, [0, 0, 0, width - 1], [batch, heads, features, 1]), [batch, heads, features]),
  };
}
