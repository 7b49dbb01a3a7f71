/** Runs `train/lm`. */
import type { StepContext, StepResult } from '@t2r/core';
import type { HostTensor } from '@t2r/engine';
import { buildLanguageModel } from '@t2r/models';
import type { Checkpoint } from '@t2r/zoo';
import { type Distillation, teacherVariables } from './distillation.js';
import { blockData, loadSource } from './lm-data.js';
import { loadModel } from './load-model.js';
import { createAdapters } from './lora.js';
import { adaptedObjective, languageModelObjective } from './objective.js';
import { trainedParameters } from './parameter-patterns.js';
import { progressiveModels } from './progressive.js';
import { checkTeacher } from './train-plan.js';
import type { TrainLmOptions } from './train-schema.js';
import { runTraining, type Stage, type TrainingTask } from './training-run.js';

/** The options that say what became of the weights. Those not given are left out of the JSON. */
const provenanceOf = (
  { steps, keep, train, freeze, groups, lora, distill, progressive }: TrainLmOptions,
  context: StepContext,
) => ({
  steps,
  keep,
  train,
  freeze,
  groups,
  lora,
  distill: distill && { ...distill, teacher: context.input(distill.teacher).key },
  progressive,
});

interface Teacher {
  distillation: Distillation;
  variables: Record<string, HostTensor>;
}

async function loadTeacher(
  { distill, block }: TrainLmOptions,
  context: StepContext,
  student: Checkpoint,
): Promise<Teacher | undefined> {
  if (distill === undefined) return undefined;
  const { config, weights } = await loadModel(context.input(distill.teacher).folder, context);
  checkTeacher(block, config.model, student.config.model);
  const { weight, temperature } = distill;
  return {
    distillation: { teacher: buildLanguageModel(config.model, context), weight, temperature },
    variables: teacherVariables(weights),
  };
}

async function prepare(options: TrainLmOptions, context: StepContext, checkpoint: Checkpoint): Promise<TrainingTask> {
  const { labelSmoothing, lora, groups } = options;
  const recompute = options.recompute === 'layers';
  const model = buildLanguageModel(checkpoint.config.model, context);
  const adapters = lora && createAdapters(model.parameters(), lora);
  const teacher = await loadTeacher(options, context, checkpoint);
  const trained = trainedParameters(model.parameters(), options, adapters?.parameters);
  const stages = progressiveModels(options, model, context).map(({ from, model: present }): Stage => {
    const objective = languageModelObjective(present, {
      labelSmoothing,
      distillation: teacher?.distillation,
      recompute,
    });
    const known = new Set([...present.parameters(), ...(adapters?.parameters ?? [])].map(({ name }) => name));
    return {
      from,
      objective: adapters ? adaptedObjective(objective, adapters) : objective,
      trained: trained.filter(({ name }) => known.has(name)),
    };
  });
  return {
    step: 'train/lm',
    parameters: model.parameters(),
    stages,
    trained,
    open: blockData(options, context, model, adapters?.apply),
    groups,
    adapters,
    constants: teacher?.variables,
    provenance: provenanceOf(options, context),
  };
}

/** Trains (or resumes training) and leaves a checkpoint folder with training.json beside the weights. */
export const runTrainLm = (options: TrainLmOptions, context: StepContext): Promise<StepResult> =>
  runTraining(
    options,
    context,
    () => loadSource(options, context),
    (checkpoint) => prepare(options, context, checkpoint),
  );
