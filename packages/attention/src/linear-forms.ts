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

/** Recurrent state: S [batch, kvHeads, features, headDim] and, with a denominator, z [batch, kvHeads, features]. */
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
 * [values | 1], [B,H,T,d+1]: z is the column of S that belongs to a value of 1, so numerator and denominator are one
 * product, and what cancels between their gradients (all of it where a row has one weight) cancels inside one product too.
 */
export function appendOnes(values: tf.Tensor): tf.Tensor {
  const [batch, heads, time] = values.shape as Shape4D;
  return tf.concat([values, tf.ones([batch, heads, time, 1])], 3);
}

/** Numerators [..., T, d] and denominators [..., T, 1] of sums [..., T, d+1] made with [values | 1]. */
export function splitSums(sums: tf.Tensor): Sums {
  const [batch, heads, time, width] = sums.shape as Shape4D;
  return {
    numerator: tf.slice(sums, [0, 0, 0, 0], [batch, heads, time, width - 1]),
    denominator: tf.slice(sums, [0, 0, 0, width - 1], [batch, heads, time, 1]),
  };
}

/** Rows of the last axis to mean 0 and variance 1: group norm with a group per head, without weights. */
function normaliseRows(x: tf.Tensor, epsilon: number): tf.Tensor {
  const width = x.shape[3]!;
  return layerNorm(x, tf.ones([width]), tf.zeros([width]), epsilon);
}

/** What a form sums up: values, with a column of ones where there is a denominator. */
const summands = (values: tf.Tensor, { normaliseOutput }: LinearFormOptions) =>
  normaliseOutput ? values : appendOnes(values);

/** The output of a form from its sums. */
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

/** Causal, in chunks. `state` is what came before the first position; without it nothing did. */
export function chunkedForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  options: LinearFormOptions & { chunk: number; state?: LinearState },
): { output: tf.Tensor; state: LinearState } {
  const { chunk, logDecay, state, normaliseOutput, rotation, epsilon } = options;
  if (rotation === undefined) {
    const { sums, total } = chunkedSums(queries, keys, summands(values, options), {
      chunk,
      logDecay,
      incoming: state && joinState(state),
    });
    return { output: finish(sums, options), state: normaliseOutput ? { S: total } : splitState(total) };
  }
  const turned = [rotation.rotate(queries), rotation.rotate(keys)] as const;
  const { sums, total } = chunkedSums(...turned, values, { chunk, logDecay, incoming: state?.S });
  if (normaliseOutput) return { output: normaliseRows(sums, epsilon), state: { S: total } };
  const [batch, heads, time, features] = keys.shape as Shape4D;
  const weights = chunkedSums(queries, keys, tf.ones([batch, heads, time, 1]), {
    chunk,
    logDecay,
    incoming: state && tf.expandDims(state.z!, 3),
  });
  return {
    output: divide({ numerator: sums, denominator: weights.sums }, epsilon),
    state: { S: total, z: tf.reshape(weights.total, [batch, heads, features]) },
  };
}

/**
 * The state one position later: keys [B,kvHeads,1,k], values [B,kvHeads,1,d], log decay [B,kvHeads,1,1]; `turned` are the
 * keys as S takes them where features are rotated.
 */
export function nextState(
  state: LinearState,
  keys: tf.Tensor,
  values: tf.Tensor,
  logDecay?: tf.Tensor,
  turned = keys,
): LinearState {
  const [batch, heads, , features] = keys.shape as Shape4D;
  const outer = tf.mul(tf.reshape(turned, [batch, heads, features, 1]), values); // [B,kvHeads,k,d]
  const decay = logDecay && tf.exp(logDecay); // [B,kvHeads,1,1]
  const S = tf.add(decay ? tf.mul(state.S, decay) : state.S, outer);
  if (!state.z) return { S };
  const kept = decay ? tf.mul(state.z, tf.reshape(decay, [batch, heads, 1])) : state.z;
  return { S, z: tf.add(kept, tf.reshape(keys, [batch, heads, features])) };
}

/** Queries [B,H,T,k] times S [B,kvHeads,k,w] -> [B,H,T,w]. */
function readRows(queries: tf.Tensor, S: tf.Tensor): tf.Tensor {
  const groups = groupsOf(queries, S);
  return ungroupRows(tf.matMul(groupRows(queries, groups), S), groups);
}

/** Reads a state with z: queries [B,H,T,k], and as S takes them where features are rotated. */
export function readState(queries: tf.Tensor, { S, z }: LinearState, turned = queries): Sums {
  const [batch, heads, features] = z!.shape as [number, number, number];
  return {
    numerator: readRows(turned, S),
    denominator: readRows(queries, tf.reshape(z!, [batch, heads, features, 1])),
  };
}

/** One position: queries [B,H,1,k], keys [B,kvHeads,1,k], values [B,kvHeads,1,d], log decay [B,kvHeads,1,1]. */
export function recurrentForm(
  queries: tf.Tensor,
  keys: tf.Tensor,
  values: tf.Tensor,
  before: LinearState,
  { epsilon, normaliseOutput, logDecay, rotation }: LinearFormOptions,
): { output: tf.Tensor; state: LinearState } {
  const turned = (x: tf.Tensor) => (rotation ? rotation.rotate(x) : x);
  const state = nextState(before, keys, values, logDecay, turned(keys));
  const reading = turned(queries);
  const output = normaliseOutput
    ? normaliseRows(readRows(reading, state.S), epsilon)
    : divide(readState(queries, state, reading), epsilon);
  return { output, state };
}

/** Options of attention to a whole sequence. */
export interface WholeOptions extends Pick<LinearFormOptions, 'epsilon' | 'normaliseOutput'> {
  /** Bound |phi(q) z| instead, as the released code of the paper does in cross-attention. */
  absolute: boolean;
}

/** The state of a whole sequence that nothing precedes: keys [B,kvHeads,S,k], 0 at padding, and values [B,kvHeads,S,d]. */
export function wholeState(keys: tf.Tensor, values: tf.Tensor, normaliseOutput?: boolean): LinearState {
  const [batch, heads, time, features] = keys.shape as Shape4D;
  const S = tf.matMul(keys, values, true, false); // [B,kvHeads,k,d]
  if (normaliseOutput) return { S };
  const z = tf.matMul(keys, tf.ones([batch, heads, time, 1]), true, false); // [B,kvHeads,k,1]
  return { S, z: tf.reshape(z, [batch, heads, features]) };
}

/** What queries [B,H,T,k] read from the state of a whole sequence, [B,H,T,d]. */
export function readWhole(
  queries: tf.Tensor,
  state: LinearState,
  { epsilon, normaliseOutput, absolute }: WholeOptions,
): tf.Tensor {
  if (normaliseOutput) return normaliseRows(readRows(queries, state.S), epsilon);
  const { numerator, denominator } = readState(queries, state);
  return divide({ numerator, denominator: absolute ? tf.abs(denominator) : denominator }, epsilon);
}

/** [S | z], [B,kvHeads,k,d+1], or S alone. */
export function joinState({ S, z }: LinearState): tf.Tensor {
  return z ? tf.concat([S, tf.expandDims(z, 3)], 3) : S;
}

/** The inverse of `joinState` for a state with z. */
export function splitState(joined: tf.Tensor): LinearState {
  const [batch, heads, features, width] = joined.shape as Shape4D;
  return {
    S: tf.slice(joined, [0, 0, 0, 0], [batch, heads, features, width - 1]),
    z: tf.reshape(tf.slice(joined, [0, 0, 0, width - 1], [batch, heads, features, 1]), [batch, heads, features]),
  };
}
