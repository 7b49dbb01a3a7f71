/**
 * Performer's FAVOR+ (Choromanski et al. 2021, arXiv 2009.14794): linear attention with the positive random features of
 * Lemma 1,
 *
 *     phi(x) = exp(w_i x - |x|^2 / 2) / sqrt(m),  i = 1 .. m
 *
 * on queries and keys multiplied by d^-1/4, whose inner products estimate softmax's exp(q k / sqrt(d)) without bias. The w_i
 * are N(0, I), orthogonal in blocks of headDim (section 2.4), other ones at every training step and fixed in evaluation.
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, AttentionParameters, FeatureMap } from './contract.js';
import { chunkOption, epsilonOption, formOption, linearAttention, rotateOption } from './linear.js';
import { perHead, scales } from './per-head.js';
import {
  gaussianMatrix,
  orthogonalMatrix,
  type Projections,
  poolOption,
  projectionPool,
  redrawOption,
  seedOption,
} from './random-projections.js';

/** `{ use: favor, features: 64 }` */
export const favorSchema = z.strictObject({
  features: z.int().min(1).default(64).describe('Random features per head, m in the paper.'),
  orthogonal: z.boolean().default(true).describe('Draw projections whose directions are orthogonal.'),
  redraw: redrawOption,
  pool: poolOption(100),
  seed: seedOption,
  rotate: rotateOption.optional(),
  epsilon: epsilonOption(1e-6),
  form: formOption,
  chunk: chunkOption,
});

/** Validated options of the `favor` component. */
export type FavorOptions = z.output<typeof favorSchema>;

/** The projections are drawn, not stored; this is their name among a pass's parameters. */
const PROJECTIONS = 'projections';

/** The positive features on projections [heads, features, headDim]. */
export function favorFeatureMap({ features }: Pick<FavorOptions, 'features'>, projections: Projections): FeatureMap {
  const phi = (x: tf.Tensor, parameters: AttentionParameters) => {
    const scaled = tf.mul(x, scales('both', x.shape[3]!).query);
    const u = perHead(scaled, parameters[PROJECTIONS]!); // [B,H,T,m]
    const halfNorm = tf.mul(tf.sum(tf.square(scaled), -1, true), 0.5); // [B,H,T,1]
    return tf.mul(tf.exp(tf.sub(u, halfNorm)), features ** -0.5);
  };
  return {
    features: () => features,
    parameters: () => [],
    draw: (shape, random) => ({ [PROJECTIONS]: projections.draw(shape, random) }),
    query: phi,
    key: phi,
  };
}

/** FAVOR+ attention; `projections` are matrices from a pool if not given. */
export function favorAttention(
  options: FavorOptions,
  projections: Projections = projectionPool(
    options.features,
    options,
    options.orthogonal ? orthogonalMatrix : gaussianMatrix,
  ),
): Attention {
  const { epsilon, form, chunk, rotate } = options;
  const featureMap = favorFeatureMap(options, projections);
  return linearAttention({ name: 'favor', options: { ...options }, featureMap, epsilon, form, chunk, rotate });
}

export const favor = defineComponent({
  kind: 'attention',
  name: 'favor',
  description: 'Linear attention with the positive orthogonal random features of Performer; a state of fixed size.',
  schema: favorSchema,
  create: (options) => favorAttention(options),
});
