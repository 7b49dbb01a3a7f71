/** The pure parts of a training step: loss and gradients of a batch, and the clipped update of all parameters. */
import { type DropoutSource, type HostTensor, sizeOf, type TensorMap } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import { clipFactor, globalNorm } from './clip.js';
import type { Optimizer } from './optimizer.js';

const slotName = (slot: string, parameter: string) => `${slot}/${parameter}`;

const zeros = (shape: readonly number[]): HostTensor => ({ shape, data: new Float32Array(sizeOf(shape)) });

/** A fresh optimizer's slots for every parameter, all zeros, by variable name: `adam.m/embed.weight`. */
export function slotVariables(model: LanguageModel, optimizer: Optimizer): Record<string, HostTensor> {
  return Object.fromEntries(
    model
      .parameters()
      .flatMap(({ name, shape }) => optimizer.slots.map((slot) => [slotName(slot, name), zeros(shape)])),
  );
}

/** Variables that gradients are summed in over several batches, by parameter name: `grad/embed.weight`. */
export function gradientVariables(model: LanguageModel): Record<string, HostTensor> {
  return Object.fromEntries(model.parameters().map(({ name, shape }) => [gradientName(name), zeros(shape)]));
}

/** Name of the variable that holds a parameter's summed gradient. */
export const gradientName = (parameter: string) => `grad/${parameter}`;

/**
 * Forward and backward pass of one batch.
 *
 * @param inputs `inputs` and `targets`, int32 [batch, block]
 * @param values the parameters by name
 * @returns the mean loss in nats a token (scalar) and its gradient by each of the model's parameters, in their order
 */
export function lossAndGradients(
  model: LanguageModel,
  labelSmoothing: number,
  inputs: TensorMap,
  values: TensorMap,
  dropout: DropoutSource,
): { loss: tf.Tensor; gradients: tf.Tensor[] } {
  const names = model.parameters().map(({ name }) => name);
  const lossOf = (...tensors: tf.Tensor[]) => {
    const parameters = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
    return model.loss(inputs.inputs!, inputs.targets!, parameters, { dropout, labelSmoothing });
  };
  const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => values[name]!));
  return { loss: value, gradients: grads };
}

export interface UpdateOptions {
  /** Number of batches that were summed into the gradients. */
  accumulate: number;
  /** Largest global norm of the mean gradient; 0 = no clipping. */
  clip: number;
}

/**
 * Clips summed gradients and updates every parameter and slot.
 *
 * @param scalars the optimizer's scalars of this step
 * @param values parameters and slots by variable name
 * @param gradients in the order of the model's parameters, summed over `accumulate` batches
 * @returns the norm of the mean gradient before clipping (scalar) and the new values by variable name
 */
export function applyGradients(
  model: LanguageModel,
  optimizer: Optimizer,
  { accumulate, clip }: UpdateOptions,
  scalars: TensorMap,
  values: TensorMap,
  gradients: tf.Tensor[],
): { norm: tf.Tensor; updates: TensorMap } {
  const norm = tf.div(globalNorm(gradients), accumulate) as tf.Scalar;
  let gradientScale: tf.Tensor | undefined;
  if (clip > 0) gradientScale = tf.div(clipFactor(norm, clip), accumulate);
  else if (accumulate > 1) gradientScale = tf.scalar(1 / accumulate);
  const updates: TensorMap = {};
  model.parameters().forEach(({ name, decay = true }, i) => {
    const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, values[slotName(slot, name)]!]));
    const parameter = values[name]!;
    const updated = optimizer.update({ parameter, gradient: gradients[i]!, gradientScale, slots, scalars, decay });
    updates[name] = updated.parameter;
    for (const slot of optimizer.slots) updates[slotName(slot, name)] = updated.slots[slot]!;
  });
  return { norm, updates };
}
