/** What is known of a model before anything runs. */
import type { PlanContext, StepPlan, StepReference } from '@t2r/core';
import { parameterCount } from './cost.js';
import type { LanguageModel, LmConfig } from './types.js';

/** What a planned checkpoint tells the steps after it. */
export interface PlannedCheckpoint {
  config: LmConfig;
}

/** The configuration of a planned checkpoint; undefined where the step that makes it cannot tell. */
export function plannedConfig(context: PlanContext, from: StepReference): LmConfig | undefined {
  return (context.input(from).produces as PlannedCheckpoint | undefined)?.config;
}

/** Size of a model, and of one sequence's recurrent state at the model's longest position. */
export function modelPlan(model: LanguageModel): StepPlan {
  const parameters = parameterCount(model);
  const { maxPositions } = model.config;
  return {
    parameters,
    stateBytesPerSequence: model.stateBytes(maxPositions),
    memoryBytes: 4 * parameters,
    ...(model.recurrent ? {} : { note: `state at position ${maxPositions}; it grows` }),
  };
}
