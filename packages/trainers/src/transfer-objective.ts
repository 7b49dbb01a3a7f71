/**
 * Attention transfer (LoLCATs, Zhang et al. 2024, arXiv 2410.10254, section 3.1; Hedgehog, Zhang et al. 2024, arXiv
 * 2402.04347, section 4): before a converted model is finetuned as a whole, the new attention of every layer learns to imitate
 * the old one on the same queries, keys and values. Teacher and student are one set of weights; only what the new attention
 * adds is trained.
 */
import { rotateInputs } from '@t2r/attention';
import type { TensorMap } from '@t2r/engine';
import { attentionShape, type LanguageModel, type ObservedAttention } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import type { Objective } from './objective.js';

export interface TransferTerms {
  /** Factor of the squared error of outputs, relative to the mean square of the teacher's. */
  outputs: number;
  /** Factor of the cross-entropy of attention weights, in nats a query. */
  weights: number;
}

/** Keeps the logarithm of a weight of 0 finite. */
const WEIGHT_EPSILON = 1e-9;

/** The attention of every layer of the teacher, by layer. */
export function observeAttention(teacher: LanguageModel, ids: tf.Tensor, parameters: TensorMap): ObservedAttention[] {
  const seen: ObservedAttention[] = [];
  teacher.hidden(ids, parameters, {
    observe: (layer, attention) => {
      seen[layer] = attention;
    },
  });
  return seen;
}

/** The parameters of the attention of `layer`, by their names within it. */
function ownParameters({ attention, config }: LanguageModel, layer: number, all: TensorMap): TensorMap {
  const specs = attention[layer]!.parameters(attentionShape(config));
  return Object.fromEntries(specs.map(({ name }) => [name, all[`layers.${layer}.attention.${name}`]!]));
}

/** The student's attention of `layer` on the queries and keys that the teacher had there, and `values` [B,kvHeads,T,w]. */
function imitate(
  student: LanguageModel,
  layer: number,
  { q: queries, k: keys, rotation: positions, input }: ObservedAttention,
  values: tf.Tensor,
  parameters: TensorMap,
  random?: Parameters<Objective['loss']>[2],
): tf.Tensor {
  const own = ownParameters(student, layer, parameters);
  const attention = student.attention[layer]!;
  const { q, k, rotation } = rotateInputs(attention, { q: queries, k: keys }, positions);
  return attention.parallel(q, k, values, own, { causal: true, random, rotation, input });
}

/** mean (y - t)^2 / mean t^2 with y the student's and t the teacher's outputs: 0 is perfect, 1 no better than nothing. */
export function outputError(
  student: LanguageModel,
  layer: number,
  seen: ObservedAttention,
  parameters: TensorMap,
  random?: Parameters<Objective['loss']>[2],
): tf.Scalar {
  const output = imitate(student, layer, seen, seen.v, parameters, random); // [B,H,T,d]
  const error = tf.mean(tf.square(tf.sub(output, seen.output)));
  return tf.div(error, tf.mean(tf.square(seen.output)));
}

/** Identity matrices as values [B,kvHeads,T,T]: an attention's output is then the matrix of its weights, [B,H,T,T]. */
function unitValues({ k }: ObservedAttention): tf.Tensor {
  const [batch, heads, time] = k.shape as [number, number, number];
  return tf.add(tf.reshape(tf.eye(time), [1, 1, time, time]), tf.zeros([batch, heads, 1, 1]));
}

/** Mean over queries of -sum_s t_s log w_s, with w the student's and t the teacher's weights, in nats. */
function weightError(
  student: LanguageModel,
  layer: number,
  seen: ObservedAttention,
  target: tf.Tensor,
  parameters: TensorMap,
  random: Parameters<Objective['loss']>[2],
): tf.Scalar {
  const own = imitate(student, layer, seen, unitValues(seen), parameters, random); // [B,H,T,T]
  // Weights of rotated features can be negative.
  const weights = student.attention[layer]!.rotatesFeatures ? tf.maximum(own, 0) : own;
  return tf.neg(tf.mean(tf.sum(tf.mul(target, tf.log(tf.add(weights, WEIGHT_EPSILON))), -1)));
}

/**
 * The mean over layers of what the student's attention misses.
 *
 * @param student the converted model
 * @param teacher the same weights with the old attention in `layers`
 */
export function transferObjective(
  student: LanguageModel,
  teacher: LanguageModel,
  layers: readonly number[],
  { outputs, weights }: TransferTerms,
): Objective {
  return {
    loss(inputs, values, random) {
      const seen = observeAttention(teacher, inputs.inputs!, values);
      const targets = layers.map((layer) =>
        weights === 0 ? undefined : imitate(teacher, layer, seen[layer]!, unitValues(seen[layer]!), values),
      );
      return (parameters) => {
        const terms = layers.flatMap((layer, i) => [
          ...(outputs === 0 ? [] : [tf.mul(outputError(student, layer, seen[layer]!, parameters, random), outputs)]),
          ...(weights === 0
            ? []
            : [tf.mul(weightError(student, layer, seen[layer]!, targets[i]!, parameters, random), weights)]),
        ]);
        return tf.div(tf.addN(terms), layers.length);
      };
    },
  };
}
