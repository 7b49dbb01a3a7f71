/**
 * Gates of linear attention: g_t = sigmoid(w x_t + b), one number a head and position, computed from the layer's input x.
 * `input` weighs what a position adds to the state (the released code of T2R, `--use-input-gate`). `recency` is the gate of
 * RFA (Peng et al. 2021, section 3.2): S_t = g_t S_{t-1} + (1 - g_t) phi(k_t)^T v_t, and the same for z.
 */
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AttentionParameters, AttentionShape, ParameterSpec } from './contract.js';

export const gateKinds = z.enum(['none', 'input', 'recency']);

export type GateKind = z.output<typeof gateKinds>;

/** The option of variants that can have a gate. */
export const gateOption = gateKinds.describe(
  'A gate from the layer input: on what a position adds (input), or also on what stays of the past (recency).',
);

/** What a gate does to a pass, each [B,H,T,1]. */
export interface GateValues {
  /** Factor on phi(k_t); 1 if absent. */
  keyScale?: tf.Tensor;
  /** log g_t, where the state decays. */
  logDecay?: tf.Tensor;
}

const WEIGHT = 'gate.weight';
const BIAS = 'gate.bias';

/** Starts gates nearly open: g = 0.95, the released code's value. */
const INITIAL_BIAS = 3;

/** What a gate adds to the model. */
export function gateParameters({ heads, headDim, modelDim: width = heads * headDim }: AttentionShape): ParameterSpec[] {
  // The bound of Xavier's initialisation (Glorot & Bengio 2010, Eq. 16).
  const bound = Math.sqrt(6 / (width + heads));
  return [
    { name: WEIGHT, shape: [width, heads], init: { kind: 'uniform', bound } },
    { name: BIAS, shape: [heads], init: { kind: 'constant', value: INITIAL_BIAS }, decay: false },
  ];
}

/** The gate at every position of the layer's input x [B,T,modelDim]. */
export function gateValues(
  kind: 'input' | 'recency',
  x: tf.Tensor | undefined,
  parameters: AttentionParameters,
): GateValues {
  if (x === undefined) throw new Error('a gated attention needs the input of its layer');
  const [batch, time, width] = x.shape as [number, number, number];
  const weight = parameters[WEIGHT]! as tf.Tensor2D;
  const heads = weight.shape[1];
  const rows = tf.add(tf.matMul(tf.reshape(x, [batch * time, width]) as tf.Tensor2D, weight), parameters[BIAS]!);
  const logits = tf.reshape(tf.transpose(tf.reshape(rows, [batch, time, heads]), [0, 2, 1]), [batch, heads, time, 1]);
  if (kind === 'input') return { keyScale: tf.sigmoid(logits) };
  // 1 - sigmoid(a) = sigmoid(-a) and log sigmoid(a) = -softplus(-a), both exact where sigmoid(a) rounds to 1 or 0.
  const closed = tf.neg(logits);
  return { keyScale: tf.sigmoid(closed), logDecay: tf.neg(tf.softplus(closed)) };
}

/** Fixed decays of RetNet (Sun et al. 2023, arXiv 2307.08621, Eq. 8): head h forgets by 1 - 2^(-5-h) a position. */
export function fixedDecay(batch: number, heads: number, time: number): GateValues {
  const logs = tf.tensor4d(
    Array.from({ length: heads }, (_, h) => Math.log1p(-(2 ** (-5 - h)))),
    [1, heads, 1, 1],
  );
  return { logDecay: tf.add(logs, tf.zeros([batch, heads, time, 1])) };
}
