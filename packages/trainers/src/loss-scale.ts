/**
 * Dynamic loss scaling (Micikevicius et al. 2018, arXiv 1710.03740, section 3.2). With products in half precision small gradients
 * become zero and large ones infinite: the loss is multiplied by a scale before gradients are taken, and they are divided by it.
 * A step whose gradients are not all finite changes nothing and halves the scale; so many good ones in a row double it. Scale and
 * counts are variables of the run, so that it resumes with them.
 */
import type { HostTensor, TensorMap, Variables } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';

export interface LossScaling {
  /** Scale of the first step. */
  initial: number;
  /** Good steps in a row after which the scale doubles. */
  every: number;
}

const SCALE = 'loss.scale';
const GOOD = 'loss.good';
const SKIPPED = 'loss.skipped';

/** Below it halves cannot hold the run's numbers, whatever their scale. */
export const LEAST_SCALE = 1e-4;

/** Variables of a run that begins: the scale, good steps in a row, and steps that have changed nothing. */
export function lossScaleVariables({ initial }: LossScaling): Record<string, HostTensor> {
  const scalar = (value: number): HostTensor => ({ shape: [], data: Float32Array.of(value) });
  return { [SCALE]: scalar(initial), [GOOD]: scalar(0), [SKIPPED]: scalar(0) };
}

/** The present scale among a program's variables. */
export const lossScaleOf = (values: TensorMap): tf.Tensor => values[SCALE]!;

/** Scale, and steps that have changed nothing, on the host. */
export function readLossScale(variables: Variables): { scale: number; skipped: number } {
  return { scale: variables.read(SCALE)[0]!, skipped: variables.read(SKIPPED)[0]! };
}

/**
 * What a step writes: `updates` where gradients are finite, else what is in `values` already, and the scale for the next step.
 *
 * @param norm norm of all gradients, scalar: infinite or not a number where one of them is
 */
export function guardedUpdates(
  norm: tf.Tensor,
  updates: TensorMap,
  values: TensorMap,
  { every }: LossScaling,
): TensorMap {
  const finite = tf.less(norm, Number.POSITIVE_INFINITY); // false for NaN
  const good = tf.add(values[GOOD]!, 1);
  const grows = tf.greaterEqual(good, every);
  const scale = values[SCALE]!;
  const guarded = Object.entries(updates).map(([name, value]): [string, tf.Tensor] => [
    name,
    tf.where(finite, value, values[name]!),
  ]);
  return {
    ...Object.fromEntries(guarded),
    [SCALE]: tf.where(finite, tf.where(grows, tf.mul(scale, 2), scale), tf.mul(scale, 0.5)),
    [GOOD]: tf.where(tf.logicalAnd(finite, tf.logicalNot(grows)), good, tf.zerosLike(good)),
    [SKIPPED]: tf.add(values[SKIPPED]!, tf.cast(tf.logicalNot(finite), 'float32')),
  };
}
