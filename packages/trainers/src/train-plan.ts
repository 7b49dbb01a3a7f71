/** What a training step will cost. */
import { availableParallelism } from 'node:os';
import { type PlanContext, type StepPlan, UserError } from '@t2r/core';
import { sizeOf } from '@t2r/engine';
import { buildLanguageModel, type LmConfig, parameterCount, trainingFlops } from '@t2r/models';
import { modelPlan, type PlannedCheckpoint, plannedConfig } from './model-plan.js';
import { trainedParameters } from './parameter-patterns.js';
import type { TrainLmOptions } from './train-schema.js';

/** Sustained float32 rate of one core in a training step; an assumption that makes the seconds an order of magnitude. */
const FLOPS_PER_CORE = 50e9;

/** @throws UserError where a block is longer than the model's learned positions. */
export function checkBlock(block: number, { positions, maxPositions }: LmConfig): void {
  if (positions !== 'learned' || block <= maxPositions) return;
  throw new UserError(`block ${block} is longer than the model's ${maxPositions} learned positions`, {
    hint: 'Choose a shorter block, or more maxPositions in the model.',
  });
}

/** @throws UserError where a teacher cannot teach the model. */
export function checkTeacher(block: number, teacher: LmConfig, student: LmConfig): void {
  if (teacher.vocab !== student.vocab)
    throw new UserError(`distill: the teacher has ${teacher.vocab} tokens, the model has ${student.vocab}`, {
      hint: 'Distill from a model with the same tokenizer.',
    });
  checkBlock(block, teacher);
}

/** What a teacher's forward passes add. */
function planTeacher({ distill, block }: TrainLmOptions, student: LmConfig, context: PlanContext) {
  const config = distill && plannedConfig(context, distill.teacher);
  if (config === undefined) return { flopsPerToken: 0, parameters: 0 };
  checkTeacher(block, config, student);
  const teacher = buildLanguageModel(config, context);
  return { flopsPerToken: trainingFlops(teacher, block) / 3, parameters: parameterCount(teacher) };
}

/** Operations, memory and time of a training step; the model's size and state come along. */
export function planTraining(options: TrainLmOptions, config: LmConfig, context: PlanContext): StepPlan {
  const { steps, batch, block, accumulate, optimizer } = options;
  const model = buildLanguageModel(config, context);
  const plan = modelPlan(model);
  const parameters = plan.parameters ?? 0;
  const teacher = planTeacher(options, config, context);
  const flops = steps * accumulate * batch * block * (trainingFlops(model, block) + teacher.flopsPerToken);
  const { slots } = context.create('optimizer', optimizer);
  // Present and next value of parameters, slots and summed gradients, and the gradients of one batch.
  const trained = trainedParameters(model.parameters(), options).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const frozen = parameters - trained;
  const variables = frozen + trained * (2 * (1 + slots.length + (accumulate > 1 ? 1 : 0)) + 1);
  // What the backward pass reads: about 16 vectors of the model's width a token and layer, the feed-forward block and the
  // attention weights twice each, the logits twice.
  const { layers, dim, ffn, heads, vocab } = config;
  const activations = batch * block * (layers * (16 * dim + 2 * ffn + 2 * heads * block) + 2 * vocab);
  return {
    ...plan,
    flops,
    seconds: flops / (FLOPS_PER_CORE * availableParallelism()),
    memoryBytes: 4 * (variables + teacher.parameters + activations),
    produces: { config } satisfies PlannedCheckpoint,
  };
}
