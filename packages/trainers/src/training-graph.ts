/** The pure parts of a training step: loss and gradients of a batch, and the clipped update of all parameters. */
import { type DropoutSource, sizeOf, type TensorMap, type TensorSpec } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import { clipFactor, globalNorm } from './clip.js';
import type { Objective } from './objective.js';
import type { Optimizer } from './optimizer.js';
import type { TrainedParameter } from './parameter-patterns.js';

const slotName = (slot: string, parameter: string) => `${slot}/${parameter}`;

/** A fresh optimizer's slots for the trained parameters, zeros at first, by variable name: `adam.m/embed.weight`. */
export function slotVariables(
  parameters: readonly TrainedParameter[],
  optimizer: Optimizer,
): Record<string, TensorSpec> {
  return Object.fromEntries(
    parameters.flatMap(({ name, shape }) => optimizer.slots.map((slot) => [slotName(slot, name), { shape }])),
  );
}

/** Variables that gradients are summed in over several batches, by parameter name: `grad/embed.weight`. */
export function gradientVariables(parameters: readonly TrainedParameter[]): Record<string, TensorSpec> {
  return Object.fromEntries(parameters.map(({ name, shape }) => [gradientName(name), { shape }]));
}

/** Name of the variable that holds a parameter's summed gradient. */
export const gradientName = (parameter: string) => `grad/${parameter}`;

/** Name of the program input for an optimizer's scalar in a group of parameters: an optimizer need not know of groups. */
export const scalarName = (scalar: string, group: number) => (group === 0 ? scalar : `${scalar}@${group}`);

/**
 * Forward and backward pass of one batch. Frozen parameters are constants to the backward pass, which costs nothing for them.
 *
 * @param trained the parameters whose gradients are wanted
 * @param inputs `inputs` and `targets`, int32 [batch, block]
 * @param values all variables by name
 * @param scale scalar that the loss is multiplied by before gradients are taken; default: none
 * @returns the mean loss (scalar), and the gradient of the scaled one by each trained parameter, in their order
 */
export function lossAndGradients(
  objective: Objective,
  trained: readonly TrainedParameter[],
  inputs: TensorMap,
  values: TensorMap,
  dropout: DropoutSource,
  scale?: tf.Tensor,
): { loss: tf.Tensor; gradients: tf.Tensor[] } {
  const names = trained.map(({ name }) => name);
  const loss = objective.loss(inputs, values, dropout);
  const lossOf = (...tensors: tf.Tensor[]): tf.Scalar => {
    const value = loss({ ...values, ...Object.fromEntries(names.map((name, i) => [name, tensors[i]!])) });
    return scale === undefined ? value : tf.mul(value, scale);
  };
  const { value, grads } = tf.valueAndGrads(lossOf)(names.map((name) => values[name]!));
  return { loss: scale === undefined ? value : tf.div(value, scale), gradients: grads };
}

export interface UpdateOptions {
  /** Number of batches that were summed into the gradients. */
  accumulate: number;
  /** Largest global norm of the mean gradient; 0 = no clipping. */
  clip: number;
  /** Scalar that gradients have been multiplied by; default: none. */
  scale?: tf.Tensor;
}

/** Most numbers of a parameter that is updated together with others: where a graph's nodes cost more than what they compute. */
const PACKED = 4096;

/** Parameters by those whose updates are the same function and may be one: biases and norms of all layers. */
function packsOf(parameters: readonly TrainedParameter[], { elementwise }: Optimizer): TrainedParameter[][] {
  const packs = new Map<string, TrainedParameter[]>();
  for (const parameter of parameters) {
    const { name, shape, group, decay = true } = parameter;
    const key = elementwise && sizeOf(shape) <= PACKED ? `${group} ${decay}` : name;
    packs.set(key, [...(packs.get(key) ?? []), parameter]);
  }
  return [...packs.values()];
}

/** Tensors one after the other, in one dimension; one alone is left as it is. */
const join = (tensors: readonly tf.Tensor[]): tf.Tensor =>
  tensors.length === 1
    ? tensors[0]!
    : tf.concat(
        tensors.map((tensor) => tf.reshape(tensor, [tensor.size])),
        0,
      );

/** The inverse of `join`. */
function separate(joined: tf.Tensor, shapes: readonly (readonly number[])[]): tf.Tensor[] {
  if (shapes.length === 1) return [joined];
  return tf.split(joined, shapes.map(sizeOf), 0).map((part, i) => tf.reshape(part, [...shapes[i]!]));
}

/**
 * Clips summed gradients and updates every trained parameter and its slots.
 *
 * @param scalars the optimizer's scalars of this step, by `scalarName`
 * @param values parameters and slots by variable name
 * @param gradients in the order of `parameters`, summed over `accumulate` batches
 * @returns the norm of the mean gradient before clipping (scalar) and the new values by variable name
 */
export function applyGradients(
  parameters: readonly TrainedParameter[],
  optimizer: Optimizer,
  { accumulate, clip, scale }: UpdateOptions,
  scalars: TensorMap,
  values: TensorMap,
  gradients: tf.Tensor[],
): { norm: tf.Tensor; updates: TensorMap } {
  const divisor = scale === undefined ? accumulate : tf.mul(scale, accumulate);
  const norm = tf.div(globalNorm(gradients), divisor) as tf.Scalar;
  let gradientScale: tf.Tensor | undefined;
  if (clip > 0) gradientScale = tf.div(clipFactor(norm, clip), divisor);
  else if (scale !== undefined) gradientScale = tf.reciprocal(divisor as tf.Tensor);
  else if (accumulate > 1) gradientScale = tf.scalar(1 / accumulate);
  // Updates wait for the norm, which clipping makes them do anyway: all gradients live until then, and once no reader of a
  // parameter is left, the engine writes its new value over the old one.
  const waited = tf.mul(tf.minimum(norm, 1), 0);
  const scalarAt = (scalar: string, group: number) => {
    const value = scalars[scalarName(scalar, group)]!;
    return clip > 0 ? value : tf.add(value, waited);
  };
  const gradientOf = new Map(parameters.map(({ name }, i) => [name, gradients[i]!]));
  const updates: TensorMap = {};
  for (const pack of packsOf(parameters, optimizer)) {
    const { group, decay = true } = pack[0]!;
    const joined = (tensorOf: (name: string) => tf.Tensor) => join(pack.map(({ name }) => tensorOf(name)));
    const ofSlot = (slot: string) => joined((name) => values[slotName(slot, name)]!);
    const updated = optimizer.update({
      parameter: joined((name) => values[name]!),
      gradient: joined((name) => gradientOf.get(name)!),
      gradientScale,
      slots: Object.fromEntries(optimizer.slots.map((slot) => [slot, ofSlot(slot)])),
      scalars: Object.fromEntries(optimizer.scalars.map((scalar) => [scalar, scalarAt(scalar, group)])),
      decay,
    });
    const shapes = pack.map(({ shape }) => shape);
    const write = (packed: tf.Tensor, nameOf: (parameter: string) => string) => {
      for (const [i, part] of separate(packed, shapes).entries()) updates[nameOf(pack[i]!.name)] = part;
    };
    write(updated.parameter, (name) => name);
    for (const slot of optimizer.slots) write(updated.slots[slot]!, (name) => slotName(slot, name));
  }
  return { norm, updates };
}
