/**
 * Linear attention, written once: a variant is a feature map and its options, and `linearAttention` makes an `Attention`
 * of it. A new variant is one file beside t2r-mlp.ts.
 */
import { UserError } from '@t2r/core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { chunkedAttention } from './chunked-attention.js';
import type {
  Attention,
  AttentionParameters,
  AttentionShape,
  FeatureMap,
  ParallelOptions,
  RecurrentOptions,
  RecurrentResult,
  Rotation,
  StateSpec,
} from './contract.js';
import { fixedDecay, type GateKind, type GateValues, gateParameters, gateValues } from './gates.js';
import { keyHeads, keyShape } from './groups.js';
import { linearCross } from './linear-cross.js';
import {
  appendOnes,
  chunkedForm,
  type LinearState,
  quadraticForm,
  readWhole,
  recurrentForm,
  wholeSums,
} from './linear-forms.js';
import { mapQueries, shapeOf, withDrawn } from './map-features.js';
import { firstPositions } from './masks.js';

/** How the causal parallel form is computed; the results agree to rounding. */
export type LinearForm = 'auto' | 'quadratic' | 'chunked';

export interface LinearAttentionOptions {
  /** Component name of the variant. */
  name: string;
  /** The variant's validated options, for the checkpoint's config. */
  options: Record<string, unknown>;
  featureMap: FeatureMap;
  /** Lower bound of the denominator; added to the variance of a normalised output. */
  epsilon: number;
  /** `auto`: quadratic up to QUADRATIC_LIMIT positions or with dropout on the weights, chunked beyond. */
  form?: LinearForm;
  /** Positions per chunk of the chunked form and of prefill. */
  chunk?: number;
  /** Bound |denominator| in cross-attention. */
  absDenominator?: boolean;
  /** Default none. */
  gate?: GateKind;
  /** Forget at RetNet's fixed rates, a head its own. Default false. */
  decay?: boolean;
  /** Normalise the output of each head in the place of dividing by a denominator; the state is then S without z. */
  normaliseOutput?: boolean;
  /** Default `inputs`. */
  rotate?: RotateSide;
}

/** What rotary positions turn: queries and keys before the feature map, or their features after it. */
export type RotateSide = 'inputs' | 'features';

/** Of a variant that rotates features in a model without rotary positions: its state stays what it is with them. */
const UNTURNED: Rotation = { rotate: (x) => x };

/**
 * Longest sequence for which `auto` forms all similarities: in training, chunks of 64 take as long at about 128 positions and
 * half as long at 256 of the attention alone (measured; docs/performance.md).
 */
export const QUADRATIC_LIMIT = 128;

export const DEFAULT_CHUNK = 64;

/** Options that the components of linear attention have in common. */
export const formOption = z
  .enum(['auto', 'quadratic', 'chunked'])
  .default('auto')
  .describe(
    'How training computes it: quadratic for short sequences and attention dropout, which chunked leaves out, or chunked for long ones.',
  );

export const chunkOption = z
  .int()
  .min(1)
  .default(DEFAULT_CHUNK)
  .describe('Positions per chunk of the chunked form and of prompts.');

export const rotateOption = z
  .enum(['inputs', 'features'])
  .describe(
    "What a model's rotary positions turn: queries and keys before the feature map, or features after it, in the numerator alone. Default: inputs.",
  );

export const epsilonOption = (value: number) =>
  z.number().positive().default(value).describe('Lower bound of the denominator.');

/** The attention `y_t = phi(q_t) S_t / max(phi(q_t) z_t, epsilon)` of a feature map (see linear-forms.ts). */
export function linearAttention({
  name,
  options,
  featureMap,
  epsilon,
  form = 'auto',
  chunk = DEFAULT_CHUNK,
  absDenominator = false,
  gate = 'none',
  decay = false,
  normaliseOutput = false,
  rotate = 'inputs',
}: LinearAttentionOptions): Attention {
  const { fusion } = featureMap;
  const base = { epsilon, normaliseOutput };
  const whole = { ...base, absolute: absDenominator };
  const forgets = gate !== 'none' || decay;
  const rotatesFeatures = rotate === 'features';
  /** Whether z is a column of S: there is one, and its keys are those of S. */
  const joined = !normaliseOutput && !rotatesFeatures;

  const summands = (v: tf.Tensor) => (joined ? appendOnes(v) : v);
  const rotationOf = ({ rotation }: { rotation?: Rotation }) => (rotatesFeatures ? (rotation ?? UNTURNED) : undefined);

  /** Gates or decays at the positions of k [B,kvHeads,T,.]. */
  function gates(k: tf.Tensor, input?: tf.Tensor, parameters: AttentionParameters = {}): GateValues | undefined {
    if (decay) return fixedDecay(k.shape[0]!, k.shape[1]!, k.shape[2]!);
    return gate === 'none' ? undefined : gateValues(gate, input, parameters);
  }

  function parallel(
    q: tf.Tensor,
    k: tf.Tensor,
    v: tf.Tensor,
    parameters: AttentionParameters,
    call: ParallelOptions,
  ): tf.Tensor {
    const all = withDrawn(featureMap, shapeOf(k), parameters, call.random);
    return attend(mapQueries(featureMap, q, k, all), featureMap.key(k, all), v, parameters, call);
  }

  /** The parallel form of features: queries [B,H,T,features], keys [B,kvHeads,S,features]. */
  function attend(
    queries: tf.Tensor,
    ungated: tf.Tensor,
    v: tf.Tensor,
    parameters: AttentionParameters,
    call: ParallelOptions,
  ): tf.Tensor {
    const { causal, keyMask, dropout, rotation, input } = call;
    if (forgets && !causal) {
      throw new UserError(
        `${name} with a gate has no cross-attention: gates belong to positions of the same sequence`,
        {
          hint: 'Use gate: none.',
        },
      );
    }
    const real = keyMask && tf.reshape(keyMask, [keyMask.shape[0]!, 1, -1, 1]);
    const { keys, logDecay } = gateKeys(ungated, gates(ungated, input, parameters), real);
    // Every query sees all keys, so one state serves them all and no [queries, keys] matrix is made.
    if (!causal) return readWhole(queries, wholeSums(keys, v, normaliseOutput), whole);
    // Differences of cumulative log decays lose digits with the length they are summed over.
    const limit = logDecay ? chunk : QUADRATIC_LIMIT;
    const small = queries.shape[2]! <= limit || (dropout !== undefined && dropout.rate > 0);
    if (form === 'quadratic' || (form === 'auto' && small)) {
      return quadraticForm(queries, keys, v, { ...base, logDecay, dropout, rotation });
    }
    return logDecay || rotation || normaliseOutput
      ? chunkedForm(queries, keys, summands(v), { ...base, logDecay, chunk, rotation: rotationOf(call) }).output
      : chunkedAttention(queries, keys, v, { epsilon, chunk });
  }

  function state(shape: AttentionShape, batch: number): StateSpec[] {
    const { headDim } = shape;
    const heads = keyHeads(shape);
    const features = featureMap.features(headDim);
    const S = { name: 'S', shape: [batch, heads, features, joined ? headDim + 1 : headDim] };
    return joined || normaliseOutput ? [S] : [S, { name: 'z', shape: [batch, heads, features] }];
  }

  /** One position of features; `values` as S sums them up. */
  function stepFeatures(
    queries: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    before: Record<string, tf.Tensor>,
    call: RecurrentOptions,
    gated?: GateValues,
  ): RecurrentResult {
    const { keys: scaled, logDecay } = gateKeys(keys, gated);
    const rotation = rotationOf(call);
    return toResult(recurrentForm(queries, scaled, values, toState(before), { ...base, logDecay, rotation }));
  }

  /** Several positions of features; `values` as S sums them up. */
  function prefillFeatures(
    queries: tf.Tensor,
    keys: tf.Tensor,
    values: tf.Tensor,
    before: Record<string, tf.Tensor>,
    call: RecurrentOptions,
    gated?: GateValues,
  ): RecurrentResult {
    const time = keys.shape[2]!;
    const real = call.count && tf.reshape(firstPositions(time, call.count), [1, 1, time, 1]);
    const { keys: scaled, logDecay } = gateKeys(keys, gated, real);
    const options = { ...base, logDecay, chunk, rotation: rotationOf(call), state: toState(before) };
    return toResult(chunkedForm(queries, scaled, values, options));
  }

  return {
    name,
    options,
    recurrent: true,
    rotatesFeatures,
    featureMap,
    parameters: (shape) => {
      const keys = keyShape(shape);
      return [...featureMap.parameters(keys), ...(gate === 'none' ? [] : gateParameters(keys))];
    },
    parallel,
    ...(fusion?.inGraph && {
      folding: {
        ...fusion.inGraph,
        parallel: (q, k, v, parameters, call) =>
          attend(fusion.activation(q), fusion.activation(k), v, parameters, call),
      },
    }),
    state,
    ...(!forgets && { cross: linearCross(featureMap, whole) }),
    step: (q, k, v, before, parameters, call) => {
      const all = withDrawn(featureMap, shapeOf(k), parameters);
      const features = [mapQueries(featureMap, q, k, all), featureMap.key(k, all)] as const;
      return stepFeatures(...features, summands(v), before, call, gates(k, call.input, parameters));
    },
    prefill: (q, k, v, before, parameters, call) => {
      const all = withDrawn(featureMap, shapeOf(k), parameters);
      const features = [mapQueries(featureMap, q, k, all), featureMap.key(k, all)] as const;
      return prefillFeatures(...features, summands(v), before, call, gates(k, call.input, parameters));
    },
    // Fused weights have no room for the gate's.
    ...(fusion &&
      gate === 'none' && {
        fuse: fusion.fuse,
        fusedOnes: joined,
        fusedStep: (qk, v, before, call) => {
          const [queries, keys] = splitSides(fusion.activation(qk), v);
          return stepFeatures(queries, keys, v, before, call, gates(keys));
        },
        fusedPrefill: (qk, v, before, call) => {
          const [queries, keys] = splitSides(fusion.activation(qk), v);
          return prefillFeatures(queries, keys, v, before, call, gates(keys));
        },
      }),
  };
}

/** Features of queries [B,H,T,k] and of keys [B,kvHeads,T,k], from those of both [B,H + kvHeads,T,k] and values of kvHeads. */
function splitSides(features: tf.Tensor, v: tf.Tensor): [tf.Tensor, tf.Tensor] {
  const heads = v.shape[1]!;
  return tf.split(features, [features.shape[1]! - heads, heads], 1) as [tf.Tensor, tf.Tensor];
}

/** Features of keys under a gate; where `real` (broadcast) is 0, a position adds nothing and nothing decays. */
function gateKeys(keys: tf.Tensor, gated?: GateValues, real?: tf.Tensor): { keys: tf.Tensor; logDecay?: tf.Tensor } {
  const masked = (x: tf.Tensor) => (real ? tf.mul(x, real) : x);
  return {
    keys: masked(gated?.keyScale ? tf.mul(keys, gated.keyScale) : keys),
    logDecay: gated?.logDecay && masked(gated.logDecay),
  };
}

const toState = ({ S, z }: Record<string, tf.Tensor>): LinearState => ({ S: S!, z });

const toResult = ({ output, state: { S, z } }: { output: tf.Tensor; state: LinearState }): RecurrentResult => ({
  output,
  state: z ? { S, z } : { S },
});
