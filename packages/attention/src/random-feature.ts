/**
 * Random feature attention, RFA (Peng et al. 2021, arXiv 2103.02143): linear attention with the random Fourier features of
 * Theorem 1,
 *
 *     phi(x) = sqrt(1 / D) [sin(w_1 x), ..., sin(w_D x), cos(w_1 x), ..., cos(w_D x)],   w_i = sigma * n_i,  n_i ~ N(0, I)
 *
 * whose inner products estimate a Gaussian kernel. Queries and keys are divided by their norm, so that it is the
 * exponential of their inner product up to a constant (section 3.1). sigma is learned for each head and dimension through
 * the reparameterisation (section 3.1), the n_i are other ones at every training step and fixed in evaluation. With
 * `gate: recency` it is RFA-Gate (section 3.2): S_t = g_t S_{t-1} + (1 - g_t) phi(k_t)^T v_t.
 */
import { defineComponent } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { Attention, AttentionParameters, FeatureMap, FusableWeights } from './contract.js';
import { fuseFeatureMap } from './fuse.js';
import { gateOption } from './gates.js';
import { keyShape } from './groups.js';
import { chunkOption, epsilonOption, formOption, linearAttention, rotateOption } from './linear.js';
import { perHead } from './per-head.js';
import {
  gaussianMatrix,
  type Projections,
  poolOption,
  projectionPool,
  redrawOption,
  seedOption,
} from './random-projections.js';

/** `{ use: random-feature, features: 32, gate: recency }` */
export const randomFeatureSchema = z.strictObject({
  features: z
    .int()
    .min(2)
    .multipleOf(2)
    .default(32)
    .describe('Features per head, sines and cosines together, as the paper counts: 32 are 16 frequencies.'),
  normalize: z
    .boolean()
    .default(true)
    .describe('Divide queries and keys by their norm (x / (|x| + 1e-3)); false takes them as they are.'),
  learnedScale: z
    .boolean()
    .default(true)
    .describe('Learn sigma, the standard deviation of the frequencies per head and dimension; 1 otherwise.'),
  redraw: redrawOption,
  pool: poolOption(400),
  seed: seedOption,
  gate: gateOption.default('none'),
  rotate: rotateOption.optional(),
  epsilon: epsilonOption(1e-2),
  form: formOption,
  chunk: chunkOption,
});

/** Validated options of the `random-feature` component. */
export type RandomFeatureOptions = z.output<typeof randomFeatureSchema>;

/** Parameter names within one attention; the frequencies are drawn, not stored. */
const SIGMA = 'sigma';
const FREQUENCIES = 'frequencies';

/** Keeps the division defined for a zero vector; the released code's value. */
const NORM_EPSILON = 1e-3;

/** x / (|x| + 1e-3) over the last axis. */
function unitNorm(x: tf.Tensor): tf.Tensor {
  // Below the root, a number far smaller than what float32 can tell from 0 in the norm keeps the gradient at 0 finite.
  const norm = tf.sqrt(tf.add(tf.sum(tf.square(x), -1, true), 1e-20)); // [B,H,T,1]
  return tf.div(x, tf.add(norm, NORM_EPSILON));
}

/** u [B,H,T,D] -> sqrt(1 / D) [sin u, cos u], [B,H,T,2D]. */
const fourier = (u: tf.Tensor) => tf.mul(tf.concat([tf.sin(u), tf.cos(u)], 3), u.shape[3]! ** -0.5);

/** The RFA feature map on frequencies [heads, features / 2, headDim] from `projections`. */
export function randomFeatureMap(
  { features, normalize, learnedScale }: Pick<RandomFeatureOptions, 'features' | 'normalize' | 'learnedScale'>,
  projections: Projections,
): FeatureMap {
  const frequencies = (parameters: AttentionParameters) => {
    const drawn = parameters[FREQUENCIES]!; // [H,D,d]
    const [heads, , headDim] = drawn.shape as [number, number, number];
    return learnedScale ? tf.mul(drawn, tf.reshape(parameters[SIGMA]!, [heads, 1, headDim])) : drawn;
  };
  const phi = (x: tf.Tensor, parameters: AttentionParameters) =>
    fourier(perHead(normalize ? unitNorm(x) : x, frequencies(parameters)));
  /** W = sigma * n of evaluation, on the host. */
  const fuse = (weights: FusableWeights) => {
    const { headDim } = weights.shape;
    const sigma = weights.parameters[SIGMA]; // [H,d]
    const drawn = projections.fixed(keyShape(weights.shape));
    const rows = headDim * (features / 2);
    const weight = sigma ? drawn.map((n, i) => n * sigma[Math.floor(i / rows) * headDim + (i % headDim)]!) : drawn;
    return fuseFeatureMap(weights, { weight, scale: 1 }, { weight, scale: 1 });
  };
  return {
    features: () => features,
    parameters: ({ heads, headDim }) =>
      learnedScale ? [{ name: SIGMA, shape: [heads, headDim], init: { kind: 'ones' }, decay: false }] : [],
    draw: (shape, random) => ({ [FREQUENCIES]: projections.draw(shape, random) }),
    query: phi,
    key: phi,
    // The norm comes between the projections and the map.
    ...(!normalize && { fusion: { fuse, activation: fourier } }),
  };
}

/** Random feature attention; `projections` are N(0, 1) matrices from a pool if not given. */
export function randomFeatureAttention(
  options: RandomFeatureOptions,
  projections: Projections = projectionPool(options.features / 2, options, gaussianMatrix),
): Attention {
  const { epsilon, form, chunk, gate, rotate } = options;
  const featureMap = randomFeatureMap(options, projections);
  return linearAttention({
    name: 'random-feature',
    options: { ...options },
    featureMap,
    epsilon,
    form,
    chunk,
    gate,
    rotate,
  });
}

export const randomFeature = defineComponent({
  kind: 'attention',
  name: 'random-feature',
  description: 'Linear attention with the random Fourier features of RFA, optionally gated; a state of fixed size.',
  schema: randomFeatureSchema,
  create: (options) => randomFeatureAttention(options),
});
