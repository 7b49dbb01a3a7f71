/** What is known of a model before anything runs. */
import type { PlanContext, StepPlan, StepReference } from '@t2r/core';
import { parameterCount } from './cost.js';
import { type AnyModel, configOf, isTranslation } from './model-kinds.js';
import type { ModelConfig } from './translation-types.js';
import type { LmConfig } from './types.js';

/** What a planned checkpoint tells the steps after it. */
export interface PlannedCheckpoint {
  config: ModelConfig;
}

/** The configuration of a planned checkpoint; undefined where the step that makes it cannot tell. */
export function plannedModel(context: PlanContext, from: StepReference): ModelConfig | undefined {
  return (context.input(from).produces as PlannedCheckpoint | undefined)?.config;
}

/** The configuration of the model that a planned step makes; undefined where it makes none, or cannot tell. */
export function plannedModelOf({ produces }: StepPlan): ModelConfig | undefined {
  const config = (produces as Partial<PlannedCheckpoint> | undefined)?.config;
  return config?.use === 'decoder-lm' || config?.use === 'encoder-decoder' ? config : undefined;
}

/** The same of a language model. @throws UserError where the checkpoint is of another kind */
export function plannedConfig(context: PlanContext, from: StepReference): LmConfig | undefined {
  const config = plannedModel(context, from);
  return config && configOf('decoder-lm', config, `the model of step ${from.step}`);
}

/**
 * Size of a model, and of one sequence's recurrent state at the model's longest position: of a translation model, for a
 * source of that length too.
 */
export function modelPlan(model: AnyModel): StepPlan {
  const parameters = parameterCount(model);
  const { maxPositions } = model.config;
  if (isTranslation(model)) {
    const bytes = model.stateBytes(maxPositions, maxPositions);
    return {
      parameters,
      stateBytesPerSequence: bytes,
      memoryBytes: 4 * parameters,
      ...(bytes > model.stateBytes(1, 1) && { note: `state at position ${maxPositions}, source as long; it grows` }),
    };
  }
  return {
    parameters,
    stateBytesPerSequence: model.stateBytes(maxPositions),
    memoryBytes: 4 * parameters,
    ...(model.recurrent ? {} : { note: `state at position ${maxPositions}; it grows` }),
  };
}
