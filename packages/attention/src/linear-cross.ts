/**
 * Cross-attention of linear attention: S and z of the other sequence are summed up once, and every query reads them,
 *
 *     y = phi(q) S / max(phi(q) z, epsilon),   S = sum_s phi(k_s)^T v_s,   z = sum_s phi(k_s)
 *
 * with phi(k) = 0 at padding (Kasai et al. 2021, section 3.1). T2R bounds |phi(q) z| instead, as its released code does.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { AttentionShape, CrossAttention, FeatureMap, StateSpec } from './contract.js';
import { readWhole, type WholeOptions, wholeState } from './linear-forms.js';
import { mapQueries, withDrawn } from './map-features.js';

export interface LinearCrossOptions extends WholeOptions {
  /** The state of self-attention, which this one has the shape of. */
  state(shape: AttentionShape, batch: number): StateSpec[];
}

/** The cross form of a feature map. */
export function linearCross(featureMap: FeatureMap, { state, ...options }: LinearCrossOptions): CrossAttention {
  const { fusion } = featureMap;

  /** Sums over features of keys [B,kvHeads,S,k] and values [B,kvHeads,S,d] where keyMask [B,S] is 1. */
  function summed(keys: tf.Tensor, v: tf.Tensor, keyMask: tf.Tensor): Record<string, tf.Tensor> {
    const real = tf.reshape(keyMask, [keyMask.shape[0]!, 1, -1, 1]);
    const { S, z } = wholeState(tf.mul(keys, real), v, options.normaliseOutput);
    return z ? { S, z } : { S };
  }
  const read = (queries: tf.Tensor, { S, z }: Record<string, tf.Tensor>) => readWhole(queries, { S: S!, z }, options);

  return {
    state: (shape, batch) => state(shape, batch),
    prepare: (k, v, keyMask, parameters) => summed(featureMap.key(k, withDrawn(featureMap, k, parameters)), v, keyMask),
    // S has the heads of keys and the width of one, which is all that is asked of keys here.
    read: (q, before, parameters) =>
      read(mapQueries(featureMap, q, before.S!, withDrawn(featureMap, before.S!, parameters)), before),
    ...(fusion && {
      fusedPrepare: (k, v, keyMask) => summed(fusion.activation(k), v, keyMask),
      fusedRead: (q, before) => read(fusion.activation(q), before),
    }),
  };
}
