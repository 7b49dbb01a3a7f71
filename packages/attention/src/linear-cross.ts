/**
 * Cross-attention of linear attention: S and z of the other sequence are summed up once, as one tensor [S | z], and every
 * query reads them,
 *
 *     y = phi(q) S / max(phi(q) z, epsilon),   S = sum_s phi(k_s)^T v_s,   z = sum_s phi(k_s)
 *
 * with phi(k) = 0 at padding (Kasai et al. 2021, section 3.1). T2R bounds |phi(q) z| instead, as its released code does.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { CrossAttention, FeatureMap } from './contract.js';
import { keyHeads } from './groups.js';
import { readWhole, type WholeOptions, wholeSums } from './linear-forms.js';
import { mapQueries, shapeOf, withDrawn } from './map-features.js';

/** The cross form of a feature map. */
export function linearCross(featureMap: FeatureMap, options: WholeOptions): CrossAttention {
  const { fusion } = featureMap;
  const { normaliseOutput } = options;

  /** Sums over features of keys [B,kvHeads,S,k] and values [B,kvHeads,S,d] where keyMask [B,S] is 1. */
  function summed(keys: tf.Tensor, v: tf.Tensor, keyMask: tf.Tensor): Record<string, tf.Tensor> {
    const real = tf.reshape(keyMask, [keyMask.shape[0]!, 1, -1, 1]);
    return { S: wholeSums(tf.mul(keys, real), v, normaliseOutput) };
  }

  return {
    state: (shape, batch) => [
      {
        name: 'S',
        shape: [batch, keyHeads(shape), featureMap.features(shape.headDim), shape.headDim + (normaliseOutput ? 0 : 1)],
      },
    ],
    prepare: (k, v, keyMask, parameters) =>
      summed(featureMap.key(k, withDrawn(featureMap, shapeOf(k), parameters)), v, keyMask),
    read: (q, { S }, parameters) => {
      // S has the heads of keys, which is all that is asked of keys here.
      const all = withDrawn(featureMap, { heads: S!.shape[1]!, headDim: q.shape[3]! }, parameters);
      return readWhole(mapQueries(featureMap, q, S!, all), S!, options);
    },
    ...(fusion && {
      fusedPrepare: (k, v, keyMask) => summed(fusion.activation(k), v, keyMask),
      fusedRead: (q, { S }) => readWhole(fusion.activation(q), S!, options),
    }),
  };
}
