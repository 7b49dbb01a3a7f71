/** What an optimizer is: a pure update of one parameter, written with TensorFlow.js ops so that it compiles with the step. */
import type {} from '@t2r/core';
import type { TensorMap } from '@t2r/engine';
import type { Tensor } from '@tensorflow/tfjs-core';

/** One parameter's update. */
export interface UpdateInput {
  parameter: Tensor;
  /** Gradient before scaling, the parameter's shape. */
  gradient: Tensor;
  /** Scalar that the gradient is still to be multiplied by (clipping, mean over accumulated batches). */
  gradientScale?: Tensor;
  /** Present values of the slots, by the names of `slots`; the parameter's shape. */
  slots: TensorMap;
  /** The scalars of this step, by the names of `scalars`. */
  scalars: TensorMap;
  /** False for parameters without weight decay (biases, norms). */
  decay: boolean;
}

export interface Optimizer {
  readonly name: string;
  /** True where every number's update depends on the numbers at its place alone: several parameters may then be updated as one. */
  readonly elementwise?: boolean;
  /** Tensors kept for each parameter, beginning as zeros: `adam.m`, `adam.v`. */
  readonly slots: readonly string[];
  /** Scalars that change from step to step; they are inputs of the compiled program. */
  readonly scalars: readonly string[];
  /** Their values at optimizer step `step` (from 0) with learning rate `rate`, computed in float64. */
  scalarsAt(step: number, rate: number): Record<string, number>;
  /** New value of the parameter and of its slots. */
  update(input: UpdateInput): { parameter: Tensor; slots: TensorMap };
}

declare module '@t2r/core' {
  interface ComponentKinds {
    optimizer: Optimizer;
  }
}
