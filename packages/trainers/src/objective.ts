/** What a training run minimises, apart from how its parameters are updated. */
import type { DropoutSource, TensorMap } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import type { Scalar } from '@tensorflow/tfjs-core';
import { type Distillation, distillationLoss, teacherLogProbabilities } from './distillation.js';
import type { Adapters } from './lora.js';

export interface Objective {
  /**
   * The loss of one batch as a pure function of the parameters. It is called outside the gradient function that the result is
   * called in: what it computes by itself, for example what a teacher says, is constant to the gradient.
   *
   * @param inputs `inputs` and `targets`, int32 [batch, block]
   * @param values all variables by name, those of a teacher among them
   * @returns from all parameters by name to the mean loss, a scalar
   */
  loss(inputs: TensorMap, values: TensorMap, dropout: DropoutSource): (parameters: TensorMap) => Scalar;
}

export interface LanguageModelObjectiveOptions {
  /** Probability mass spread over the whole vocabulary; default 0. */
  labelSmoothing?: number;
  /** Absent: the targets alone. */
  distillation?: Distillation;
  /** Compute layers again in the backward pass and keep only their inputs. Default false. */
  recompute?: boolean;
}

/** Cross-entropy of the next token in nats, and where asked for the divergence from a teacher. */
export function languageModelObjective(
  model: LanguageModel,
  { labelSmoothing = 0, distillation, recompute = false }: LanguageModelObjectiveOptions = {},
): Objective {
  return {
    loss(inputs, values, dropout) {
      if (distillation === undefined)
        return (parameters) =>
          model.loss(inputs.inputs!, inputs.targets!, parameters, { dropout, labelSmoothing, recompute }) as Scalar;
      const teacher = teacherLogProbabilities(distillation, inputs, values);
      return (parameters) =>
        distillationLoss(model, distillation, { labelSmoothing, recompute, dropout }, inputs, parameters, teacher);
    },
  };
}

/** An objective whose parameters are adapted before they are used. */
export function adaptedObjective(objective: Objective, { apply }: Adapters): Objective {
  return {
    loss(inputs, values, dropout) {
      const loss = objective.loss(inputs, values, dropout);
      return (parameters) => loss(apply(parameters));
    },
  };
}
