export { type AdamOptions, createAdam } from './adam.js';
export type { BatchSource, TrainingBatch } from './batches.js';
export { clipFactor, globalNorm } from './clip.js';
export type { Distillation } from './distillation.js';
export {
  compileEvaluation,
  type Evaluation,
  type EvaluationOptions,
  type HeldOut,
  type Measured,
} from './evaluation.js';
export { type FitOptions, type FitResult, fit } from './fit.js';
export type { PlannedLayer } from './layer-plan.js';
export { type LossScaling, lossScaleVariables } from './loss-scale.js';
export { createNag, type NagOptions } from './nag.js';
export { type LanguageModelObjectiveOptions, languageModelObjective, type Objective } from './objective.js';
export type { Optimizer, UpdateInput } from './optimizer.js';
export {
  type ParameterChoice,
  type ParameterGroup,
  type TrainedParameter,
  trainedParameters,
} from './parameter-patterns.js';
export { plugin as default } from './plugin.js';
export type { Schedule } from './schedule.js';
export { type SwapNames, sortWeights } from './swap.js';
export { slotVariables } from './training-graph.js';
export { type TrainingMemoryOptions, trainingMemory } from './training-memory.js';
export {
  createTrainingProgram,
  type StepOutcome,
  type TrainingProgram,
  type TrainingProgramOptions,
} from './training-program.js';
export { type TransferTerms, transferObjective } from './transfer-objective.js';
export { translationObjective } from './translation-objective.js';
