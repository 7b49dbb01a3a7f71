/**
 * Distillation: besides the data, the model learns from the probabilities of a teacher (Hinton et al. 2015, arXiv
 * 1503.02531), for example from the softmax model that it was converted from.
 */
import { crossEntropy, type HostTensor, sizeOf, type TensorMap, toRows } from '@t2r/engine';
import type { ForwardOptions, LanguageModel, Weights } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';

export interface Distillation {
  /** The frozen model whose probabilities are learned from; it runs without dropout. */
  teacher: LanguageModel;
  /** Part of the teacher's term in the loss, from 0 to 1. */
  weight: number;
  /** What logits of both models are divided by in the teacher's term. */
  temperature: number;
}

const teacherName = (parameter: string) => `teacher/${parameter}`;

/** A teacher's weights under names that cannot meet the student's: `teacher/embed.weight`. */
export function teacherVariables(weights: Weights): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(weights).map(([name, value]) => [teacherName(name), value]));
}

/** The teacher's log-probabilities at the temperature, [batch * block, vocab]. Not to be called inside a gradient function. */
export function teacherLogProbabilities(
  { teacher, temperature }: Distillation,
  inputs: TensorMap,
  values: TensorMap,
): tf.Tensor {
  const parameters = Object.fromEntries(teacher.parameters().map(({ name }) => [name, values[teacherName(name)]!]));
  const hidden = teacher.hidden(inputs.inputs!, parameters); // [batch, block, dim]
  return softened(toRows(teacher.logits(hidden, parameters)), temperature);
}

/** log softmax(logits / temperature) of logits [n, vocab]. */
function softened(logits: tf.Tensor, temperature: number): tf.Tensor {
  return tf.logSoftmax(temperature === 1 ? logits : tf.div(logits, temperature));
}

/**
 * With w the weight, T the temperature and p the teacher's, q the student's probabilities at T, in nats a position:
 *
 *     (1 - w) * CE(target, student) + w * T^2 * sum_v p_v (log p_v - log q_v)
 *
 * T^2 keeps the gradient's size when T changes (section 2 of the paper).
 *
 * @param inputs `inputs` and `targets`, int32 [batch, block]
 * @param teacher the teacher's log-probabilities, [batch * block, vocab]
 * @returns the mean over all positions, a scalar
 */
export function distillationLoss(
  model: LanguageModel,
  { weight, temperature }: Distillation,
  { labelSmoothing, ...options }: ForwardOptions & { labelSmoothing: number },
  inputs: TensorMap,
  parameters: TensorMap,
  teacher: tf.Tensor,
): tf.Scalar {
  const hidden = model.hidden(inputs.inputs!, parameters, options); // [batch, block, dim]
  const logits = toRows(model.logits(hidden, parameters)); // [batch * block, vocab]
  const targets = tf.reshape(inputs.targets!, [sizeOf(inputs.targets!.shape)]);
  const student = softened(logits, temperature); // [batch * block, vocab]
  const divergence = tf.sum(tf.mul(tf.exp(teacher), tf.sub(teacher, student)), -1); // [batch * block]
  const ofTeacher = tf.mul(tf.mean(divergence), weight * temperature ** 2);
  if (weight === 1) return ofTeacher as tf.Scalar;
  return tf.add(ofTeacher, tf.mul(tf.mean(crossEntropy(logits, targets, labelSmoothing)), 1 - weight)) as tf.Scalar;
}
