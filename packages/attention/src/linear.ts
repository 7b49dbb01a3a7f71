/**
 * Linear attention, written once: a variant is a feature map and its options, and `linearAttention` makes an `Attention`
 * of it. A new variant is one file beside t2r-mlp.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import type {
  Attention,
  AttentionParameters,
  AttentionShape,
  FusableWeights,
  FusedWeights,
  ParallelOptions,
  ParameterSpec,
  RecurrentOptions,
  RecurrentResult,
  StateSpec,
} from './contract.js';
import { bidirectionalForm, chunkedForm, type LinearState, quadraticForm, recurrentForm } from './linear-forms.js';
import { firstPositions } from './masks.js';

/** The similarity of a linear attention: sim(q, k) = query(q) . key(k). */
export interface FeatureMap {
  /** Features per head. */
  features(headDim: number): number;
  /** What the map adds to the model, by name within one attention. */
  parameters(shape: AttentionShape): ParameterSpec[];
  /** x [B,H,T,d] -> [B,H,T,features]; where queries are scaled, the map scales them. */
  query(x: tf.Tensor, parameters: AttentionParameters): tf.Tensor;
  key(x: tf.Tensor, parameters: AttentionParameters): tf.Tensor;
  /** Present where the map is affine up to an elementwise activation, and folds into the projections before it. */
  fusion?: {
    fuse(weights: FusableWeights): FusedWeights;
    /** The same for queries and keys; [B,H,T,features]. */
    activation(x: tf.Tensor): tf.Tensor;
  };
}

/** How the causal parallel form is computed; the results agree to rounding. */
export type LinearForm = 'auto' | 'quadratic' | 'chunked';

export interface LinearAttentionOptions {
  /** Component name of the variant. */
  name: string;
  /** The variant's validated options, for the checkpoint's config. */
  options: Record<string, unknown>;
  featureMap: FeatureMap;
  /** Lower bound of the denominator. */
  epsilon: number;
  /** `auto`: quadratic up to QUADRATIC_LIMIT positions or with dropout on the weights, chunked beyond. */
  form?: LinearForm;
  /** Positions per chunk of the chunked form and of prefill. */
  chunk?: number;
  /** Bound |denominator| in cross-attention. */
  absDenominator?: boolean;
}

/** Longest sequence for which `auto` forms all similarities: a matrix of this size still fits a core's cache. */
export const QUADRATIC_LIMIT = 256;

export const DEFAULT_CHUNK = 64;

/** The attention `y_t = phi(q_t) S_t / max(phi(q_t) z_t, epsilon)` of a feature map (see linear-forms.ts). */
export function linearAttention({
  name,
  options,
  featureMap,
  epsilon,
  form = 'auto',
  chunk = DEFAULT_CHUNK,
  absDenominator = false,
}: LinearAttentionOptions): Attention {
  const { fusion } = featureMap;

  function parallel(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    parameters: AttentionParameters,
    { causal, keyMask, dropout }: ParallelOptions,
  ): tf.Tensor {
    const queries = featureMap.query(q, parameters); // [B,H,T,features]
    const allKeys = featureMap.key(k, parameters); // [B,H,S,features]
    const keys = keyMask ? tf.mul(allKeys, tf.reshape(keyMask, [keyMask.shape[0]!, 1, -1, 1])) : allKeys;
    if (!causal) return bidirectionalForm(queries, keys, v, { epsilon, absolute: absDenominator });
    const small = q.shape[2]! <= QUADRATIC_LIMIT || (dropout !== undefined && dropout.rate > 0);
    return form === 'quadratic' || (form === 'auto' && small)
      ? quadraticForm(queries, keys, v, { epsilon, dropout })
      : chunkedForm(queries, keys, v, { epsilon, chunk }).output;
  }

  function state({ heads, headDim }: AttentionShape, batch: number): StateSpec[] {
    const features = featureMap.features(headDim);
    return [
      { name: 'S', shape: [batch, heads, features, headDim] },
      { name: 'z', shape: [batch, heads, features] },
    ];
  }

  const stepFeatures = (queries: tf.Tensor, keys: tf.Tensor, v: tf.Tensor, before: Record<string, tf.Tensor>) =>
    toResult(recurrentForm(queries, keys, v, toState(before), { epsilon }));

  function prefillFeatures(
    queries: tf.Tensor,
    keys: tf.Tensor,
    v: tf.Tensor,
    before: Record<string, tf.Tensor>,
    { count }: RecurrentOptions,
  ): RecurrentResult {
    const time = keys.shape[2]!;
    const real = count ? tf.mul(keys, tf.reshape(firstPositions(time, count), [1, 1, time, 1])) : keys;
    return toResult(chunkedForm(queries, real, v, { epsilon, chunk, state: toState(before) }));
  }

  return {
    name,
    options,
    recurrent: true,
    parameters: (shape) => featureMap.parameters(shape),
    parallel,
    state,
    step: (q, k, v, before, parameters) =>
      stepFeatures(featureMap.query(q, parameters), featureMap.key(k, parameters), v, before),
    prefill: (q, k, v, before, parameters, call) =>
      prefillFeatures(featureMap.query(q, parameters), featureMap.key(k, parameters), v, before, call),
    ...(fusion && {
      fuse: fusion.fuse,
      fusedStep: (q, k, v, before) => stepFeatures(fusion.activation(q), fusion.activation(k), v, before),
      fusedPrefill: (q, k, v, before, call) =>
        prefillFeatures(fusion.activation(q), fusion.activation(k), v, before, call),
    }),
  };
}

const toState = ({ S, z }: Record<string, tf.Tensor>): LinearState => ({ S: S!, z: z! });

const toResult = ({ output, state: { S, z } }: { output: tf.Tensor; state: LinearState }): RecurrentResult => ({
  output,
  state: { S, z },
});
