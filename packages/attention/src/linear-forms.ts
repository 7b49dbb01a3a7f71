/**
 * The forms of linear attention, on features already mapped. All of them compute
 *
 *     y_t = phi(q_t) S_t / max(phi(q_t) z_t, epsilon),   S_t = sum_{s<=t} phi(k_s)^T v_s,   z_t = sum_{s<=t} phi(k_s)
 *
 * (Katharopoulos et al. 2020, Eq. 9-12; Kasai et al. 2021, Eq. 5-6), and differ in what they hold in memory. Where a
 * variant forgets, earlier terms are multiplied by the decays in between (see decay.ts). Where it does without a
 * denominator, the output is normalised instead, y_t = norm(phi(q_t) S_t), and there is no z. Where features are rotated,
 * R_t phi(q_t) and R_s phi(k_s) take their place in the numerator alone (Su et al. 2021, arXiv 2104.09864, Eq. 19): the
 * denominator stays a sum of positive terms.
 *
 * z is the column of S that belongs to a value of 1: with values [v | 1] (see `appendOnes`) the state is one tensor [S | z],
 * and numerator and denominator are one product. Rotated numerators take other keys than denominators, so that S and z stay
 * apart there.
 * Shapes: queries [batch, heads, time, features], keys [batch, kvHeads, time, features], values [batch, kvHeads, time,
 * headDim]; kvHeads are fewer than heads with grouped-query attention alone (see groups.ts).
 */
import { type DropoutSource, layerNorm } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Rotation } from './contract.js';
import { chunkDecays, cumulative, decayMatrix } from './decay.js';
import { joinGroups, splitGroups } from './group-chunks.js';
import { groupRows, groupsOf, repeatRows, ungroupRows } from './groups.js';
import { lowerTriangle } from './masks.js';

/**
 * Recurrent state: S [batch, kvHeads, features, width], with one column more than headDim, z, where there is a denominator.
 * Where features are rotated and there is a denominator, S has headDim columns and z is [batch, kvHeads, features].
 */
export interface LinearState {
  S: tf.Tensor;
  z?: tf.Tensor;
}

export interface LinearFormOptions {
  /** Lower bound of the denominator, applied as PyTorch's clamp_min: no gradient where it acts. Of a normalised output, the
   * number added to its variance. */
  epsilon: number;
  /** Normalise the output of each head to mean 0 and variance 1 in the place of dividing by a denominator. */
  normaliseOutput?: boolean;
  /** log g_t of a variant that forgets, [batch, kvHeads, time, 1], at most 0. */
  logDecay?: tf.Tensor;
  /** Of features, at the given positions. */
  rotation?: Rotation;
}

type Shape4D = [number, number, number, number];

/** Weighted sums of values and the sums of their weights. */
export interface Sums {
  /** [batch, heads, time, headDim] */
  numerator: tf.Tensor;
  /** [batch, heads, time, 1] */
  denominator: tf.Tensor;
}

/** numerator / max(denominator, epsilon). */
export function divide({ numerator, denominator }: Sums, epsilon: number): tf.Tensor {
  return tf.div(numerator, tf.maximum(denominator, epsilon));
}

/** Inner products over the last axis, a and b [B,H,T,k] -> [B,H,T,1], as a product with ones: its gradient is cheap. */
function innerProducts(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const [batch, heads, time, width] = a.shape as Shape4D;
  const rows = tf.reshape(tf.mul(a, b), [batch * heads * time, width]); // [B*H*T, k]
  return tf.reshape(tf.matMul(rows, tf.ones([width, 1])), [batch, heads, time, 1]);
}

/**
 * [values | 1], [B,H,T,d+1]: numerator and denominator are one product, and what cancels between their gradients (all of it
 * where a row has one weight) cancels inside one product too.
 */
export function appendOnes(values: tf.Tensor): tf.Tensor {
  const [batch, heads, time] = values.shape as Shape4D;
  return tf.concat([values, tf.ones([batch, heads, time, 1])], 3);
}

/** Numerators [..., T, d] and denominators [..., T, 1] of sums [..., T, d+1] made with [values | 1]. */
export function splitSums(sums: tf.Tensor): Sums {
  const [numerator, denominator] = tf.split(sums, [sums.shape[3]! - 1, 1], 3) as [tf.Tensor, tf.Tensor];
  return { numerator, denominator };
}

/** Rows of the last axis to mean 0 and variance 1: group norm with a group per head, without weights. */
function normaliseRows(x: tf.Tensor, epsilon: number): tf.Tensor {
  const width = x.shape[3]!;
  return layerNorm(x, tf.ones([width]), tf.zeros([width]), epsilon);
}

/** The output of a form from its sums [B,H,T,d+1], or [B,H,T,d] of one that is normalised. */
function finish(sums: tf.Tensor, { epsilon, normaliseOutput }: LinearFormOptions): tf.Tensor {
  if (normaliseOutput) return normaliseRows(sums, epsilon);
  return divide(splitSums(sums), epsilon);
}

/** Similarities are multiplied by this, [1|B,1|kvHeads,T,T]: 1, or the decays in between, up to the diagonal and 0 above. */
function causalFactor(time: number, logDecay: tf.Tensor | undefined): tf.Tensor {
  return logDecay ? decayMatrix(cumulative(logDecay)) : tf.reshape(lowerTriangle(time), [1, 1, time, time]);
}

export interface QuadraticOptions {
  logDecay?: tf.Tensor;
  rotation?: Rotation;
  /** Dropout on the normalised weights. */
  dropout?: { source: DropoutSource; rate: number };
}

/** Numerators [B,H,T,d] and denominators [B,H,T,1] of the quadratic form. */
export function quadraticSums(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { logDecay, dropout, rotation }: QuadraticOptions,
): Sums {
  const [batch, heads, time] = queries.shape as Shape4D;
  const groups = groupsOf(queries, keys);
  const causal = causalFactor(time, logDecay);
  const factor = repeatRows(causal, groups);
  const rows = groupRows(queries, groups); // [B,kvHeads,groups*T,k], and so on: a group's heads are rows
  const turned = rotation ? groupRows(rotation.rotate(queries), groups) : rows;
  const all = tf.matMul(turned, rotation ? rotation.rotate(keys) : keys, false, true); // [B,H,T,T]
  const dropping = dropout !== undefined && dropout.rate > 0;
  if (!dropping && !rotation) {
    return splitSums(ungroupRows(tf.matMul(tf.mul(all, factor), appendOnes(values)), groups));
  }
  // Dropout commutes with the division of whole rows, so it is one factor with the causal mask. The denominator is that of
  // all weights: phi(q_t) z_t, with z from a product with the triangle, which spares passes over [T,T].
  const kept = dropping ? groupRows(dropout.source.mask([batch, heads, time, time], dropout.rate), groups) : undefined;
  const mask = kept ? tf.mul(kept, factor) : factor; // [B,H,T,T]
  const z = repeatRows(tf.matMul(causal, keys), groups); // [B,H,T,k]
  return {
    numerator: ungroupRows(tf.matMul(tf.mul(all, mask), values), groups),
    denominator: ungroupRows(innerProducts(rows, z), groups),
  };
}

/** Causal, through the [time, time] similarities; the only form with dropout on the normalised weights. */
export function quadraticForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  options: LinearFormOptions & QuadraticOptions,
): tf.Tensor {
  const { epsilon, dropout, logDecay, normaliseOutput, rotation } = options;
  if (!normaliseOutput) return divide(quadraticSums(queries, keys, values, options), epsilon);
  const groups = groupsOf(queries, keys);
  const turned = (x: tf.Tensor) => (rotation ? rotation.rotate(x) : x);
  const similarities = tf.matMul(groupRows(turned(queries), groups), turned(keys), false, true); // [B,H,T,T]
  const weights = tf.mul(similarities, repeatRows(causalFactor(queries.shape[2]!, logDecay), groups));
  const mixed = tf.matMul(dropout ? dropout.source.dropout(weights, dropout.rate) : weights, values);
  return normaliseRows(ungroupRows(mixed, groups), epsilon);
}

export interface ChunkedSumsOptions {
  /** Positions per chunk. */
  chunk: number;
  /** What came before the first position, [batch, kvHeads, features, width]; without it nothing did. */
  incoming?: tf.Tensor;
  logDecay?: tf.Tensor;
}

/**
 * phi(q_t) sum_{s<=t} phi(k_s)^T v_s for values of any width, [batch, heads, time, width], and the sum over all positions,
 * [batch, kvHeads, features, width]. Quadratic inside chunks and recurrent between them: work linear in time, and one state
 * per chunk instead of one per position.
 */
export function chunkedSums(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  { chunk, incoming, logDecay }: ChunkedSumsOptions,
): { sums: tf.Tensor; total: tf.Tensor } {
  const [batch, heads, time, features] = keys.shape as Shape4D;
  const width = values.shape[3]!;
  const size = Math.min(chunk, time);
  const chunks = Math.ceil(time / size);
  const added = chunks * size - time;
  const rows = batch * heads;
  const groups = groupsOf(queries, keys);
  // Features of added positions are zero, and so is their log decay, so that they leave the state alone.
  const fill = (x: tf.Tensor) =>
    added === 0 ? x : tf.concat([x, tf.zeros([batch, x.shape[1]!, added, x.shape[3]!])], 2);
  const split = (x: tf.Tensor) => tf.reshape(fill(x), [rows, chunks, size, x.shape[3]!]);
  const q = groups === 1 ? split(queries) : splitGroups(fill(queries), { rows, groups, chunks, size }); // [B*H, n, c, k]
  const k = split(keys);
  const v = split(values); // [B*H, n, c, w]
  const flat = features * width;
  const decays = logDecay && chunkDecays(split(logDecay));

  const factor = repeatRows(decays?.within ?? lowerTriangle(size), groups);
  const within = tf.mul(tf.matMul(q, k, false, true), factor); // [B*H, n, c, c]
  const inside = tf.matMul(within, v); // [B*H, n, c, w]
  const lasting = decays ? tf.mul(k, decays.toEnd) : k;
  const own = tf.reshape(tf.matMul(lasting, v, true, false), [rows, chunks, flat]); // sums of each chunk, [B*H, n, k*w]
  const before = incoming && tf.reshape(incoming, [rows, 1, flat]);

  const join = (entering: tf.Tensor | undefined, total: tf.Tensor) => {
    const reading = decays ? tf.mul(q, repeatRows(decays.fromStart, groups)) : q;
    const sums = entering
      ? tf.add(inside, tf.matMul(reading, tf.reshape(entering, [rows, chunks, features, width])))
      : inside;
    const ordered = groups === 1 ? sums : joinGroups(sums, { rows, groups, chunks, size });
    const joined = tf.reshape(ordered, [batch, heads * groups, chunks * size, width]);
    return {
      sums: added === 0 ? joined : tf.slice(joined, [0, 0, 0, 0], [batch, heads * groups, time, width]),
      total: tf.reshape(total, [batch, heads, features, width]),
    };
  };

  if (decays) {
    const carried = tf.matMul(decays.between, own); // [B*H, n+1, k*w]
    const states = before ? tf.add(carried, tf.mul(decays.fromIncoming, before)) : carried;
    const at = (start: number, count: number) => tf.slice(states, [0, start, 0], [rows, count, flat]);
    return join(chunks > 1 || before ? at(0, chunks) : undefined, at(chunks, 1));
  }
  const summed = tf.sum(own, 1, true); // [B*H, 1, k*w]
  const total = before ? tf.add(summed, before) : summed;
  if (chunks === 1 && !before) return join(undefined, total);
  const earlier = tf.matMul(tf.reshape(lowerTriangle(chunks, { strict: true }), [1, chunks, chunks]), own);
  return join(before ? tf.add(earlier, before) : earlier, total); // state before each chunk, [B*H, n, k*w]
}

/**
 * Causal, in chunks, of `values` [B,kvHeads,T,d+1] with ones (see `appendOnes`), or [B,kvHeads,T,d] where there is no
 * denominator or features are rotated. `state` is what came before the first position; without it nothing did.
 */
export function chunkedForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  options: LinearFormOptions & { chunk: number; state?: LinearState },
): { output: tf.Tensor; state: LinearState } {
  const { chunk, logDecay, state, normaliseOutput, rotation, epsilon } = options;
  const turned = (x: tf.Tensor) => (rotation ? rotation.rotate(x) : x);
  const numerators = chunkedSums(turned(queries), turned(keys), values, { chunk, logDecay, incoming: state?.S });
  const { sums, total: S } = numerators;
  if (normaliseOutput || !rotation) return { output: finish(sums, options), state: { S } };
  const [batch, heads, time, features] = keys.shape as Shape4D;
  const weights = chunkedSums(queries, keys, tf.ones([batch, heads, time, 1]), {
    chunk,
    logDecay,
    incoming: state && tf.expandDims(state.z!, 3),
  });
  return {
    output: divide({ numerator: sums, denominator: weights.sums }, epsilon),
    state: { S, z: tf.reshape(weights.total, [batch, heads, features]) },
  };
}

/** S one position later: keys [B,kvHeads,1,k], values [B,kvHeads,1,width], decay [B,kvHeads,1,1] -> [B,kvHeads,k,width]. */
export function nextSums(S: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, decay?: tf.Tensor): tf.Tensor {
  const [batch, heads, , features] = keys.shape as Shape4D;
  const outer = tf.mul(tf.reshape(keys, [batch, heads, features, 1]), values); // [B,kvHeads,k,width]
  return tf.add(decay ? tf.mul(S, decay) : S, outer);
}

/** Queries [B,H,T,k] times S [B,kvHeads,k,width] -> [B,H,T,width]. */
export function readSums(queries: tf.Tensor, S: tf.Tensor): tf.Tensor {
  const groups = groupsOf(queries, S);
  return ungroupRows(tf.matMul(groupRows(queries, groups), S), groups);
}

/** One position: queries [B,H,1,k], keys [B,kvHeads,1,k], log decay [B,kvHeads,1,1], values as in `chunkedForm`. */
export function recurrentForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  before: LinearState,
  options: LinearFormOptions,
): { output: tf.Tensor; state: LinearState } {
  const { epsilon, normaliseOutput, logDecay, rotation } = options;
  const turned = (x: tf.Tensor) => (rotation ? rotation.rotate(x) : x);
  const decay = logDecay && tf.exp(logDecay);
  const S = nextSums(before.S, turned(keys), values, decay);
  const sums = readSums(turned(queries), S);
  if (normaliseOutput || !rotation) return { output: finish(sums, options), state: { S } };
  const [batch, heads, , features] = keys.shape as Shape4D;
  const kept = decay ? tf.mul(before.z!, tf.reshape(decay, [batch, heads, 1])) : before.z!;
  const z = tf.add(kept, tf.reshape(keys, [batch, heads, features]));
  const denominator = readSums(queries, tf.reshape(z, [batch, heads, features, 1]));
  return { output: divide({ numerator: sums, denominator }, epsilon), state: { S, z } };
}

/** Options of attention to a whole sequence. */
export interface WholeOptions extends Pick<LinearFormOptions, 'epsilon' | 'normaliseOutput'> {
  /** Bound |phi(q) z| instead, as the released code of the paper does in cross-attention. */
  absolute: boolean;
}

/**
 * S of a whole sequence that nothing precedes, [B,kvHeads,k,width]: keys [B,kvHeads,S,k], 0 at padding, and values
 * [B,kvHeads,S,d]; z is its last column unless the output is normalised.
 */
export function wholeSums(keys: tf.Tensor, values: tf.Tensor, normaliseOutput?: boolean): tf.Tensor {
  return tf.matMul(keys, normaliseOutput ? values : appendOnes(values), true, false);
}

/** What queries [B,H,T,k] read from the sums of a whole sequence, [B,H,T,d]. */
export function readWhole(
  queries: tf.Tensor,
  S: tf.Tensor,
  { epsilon, normaliseOutput, absolute }: WholeOptions,
): tf.Tensor {
  const sums = readSums(queries, S);
  if (normaliseOutput) return normaliseRows(sums, epsilon);
  const { numerator, denominator } = splitSums(sums);
  return divide({ numerator, denominator: absolute ? tf.abs(denominator) : denominator }, epsilon);
}
