/** Runs `train/attention-transfer`. */
import { type StepContext, type StepResult, UserError } from '@t2r/core';
import { buildLanguageModel } from '@t2r/models';
import type { Checkpoint } from '@t2r/zoo';
import type { AttentionTransferOptions } from './attention-transfer.js';
import { imitation } from './imitation.js';
import { blockData, loadSource } from './lm-data.js';
import type { TrainedParameter } from './parameter-patterns.js';
import { runTraining, type TrainingTask } from './training-run.js';
import { transferObjective } from './transfer-objective.js';

function prepare(options: AttentionTransferOptions, context: StepContext, { config }: Checkpoint): TrainingTask {
  const student = buildLanguageModel(config.model, context);
  const { teacher, layers, own } = imitation(student, options.teacher, context);
  if (own.length === 0)
    throw new UserError('the new attention has no parameters that could learn', {
      hint: 'Variants without parameters, such as elu, go straight to train/lm.',
    });
  const trained = own.map((spec): TrainedParameter => ({ ...spec, group: 0 }));
  const { steps, keep, outputs, weights, teacher: imitated } = options;
  return {
    step: 'train/attention-transfer',
    parameters: student.parameters(),
    stages: [{ from: 0, objective: transferObjective(student, teacher, layers, { outputs, weights }), trained }],
    trained,
    open: blockData(options, context, student),
    provenance: { steps, keep, teacher: imitated, outputs, weights },
  };
}

/** Trains (or resumes training) and leaves a checkpoint folder with training.json beside the weights. */
export const runAttentionTransfer = (options: AttentionTransferOptions, context: StepContext): Promise<StepResult> =>
  runTraining(
    options,
    context,
    () => loadSource(options, context),
    (checkpoint) => prepare(options, context, checkpoint),
  );
