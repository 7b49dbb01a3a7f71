/** What a training step will cost. */
import { type PlanContext, type StepPlan, UserError } from '@t2r/core';
import { defaultThreads, sizeOf } from '@t2r/engine';
import {
  buildLanguageModel,
  type LmConfig,
  mixingFlops,
  modelPlan,
  type PlannedCheckpoint,
  parameterCount,
  plannedConfig,
  trainingFlops,
} from '@t2r/models';
import type { AttentionTransferOptions } from './attention-transfer.js';
import { imitation } from './imitation.js';
import { createAdapters } from './lora.js';
import { type ParameterSpec, trainedParameters } from './parameter-patterns.js';
import { progressiveModels } from './progressive.js';
import type { TrainLmOptions } from './train-schema.js';
import { trainingMemory } from './training-memory.js';
import type { TrainingOptions } from './training-options.js';

/** Sustained float32 rate of one core in a training step; an assumption that makes the seconds an order of magnitude. */
const FLOPS_PER_CORE = 50e9;

/** Estimated time of so many floating-point operations on the cores that the engine takes by default. */
export function trainingSeconds(flops: number): number {
  return flops / (FLOPS_PER_CORE * defaultThreads());
}

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

/** What a training step works on besides its options. */
interface PlannedWork {
  config: LmConfig;
  /** Floating-point operations a token. */
  flopsPerToken: number;
  /** Parameters that are trained. */
  trained: readonly ParameterSpec[];
  /** Parameters besides the model's, such as a teacher's. */
  others: number;
  /** Whether the logits of a batch are made and kept. */
  logits: boolean;
  /** Layers are computed again in the backward pass. */
  recompute?: boolean;
}

/** Operations, memory and time of a training step; the model's size and state come along. */
function planSteps(
  { steps, batch, block, accumulate, optimizer }: TrainingOptions,
  { config, flopsPerToken, trained, others, logits, recompute = false }: PlannedWork,
  context: PlanContext,
): StepPlan {
  const plan = modelPlan(buildLanguageModel(config, context));
  const flops = steps * accumulate * batch * block * flopsPerToken;
  const { slots } = context.create('optimizer', optimizer);
  const size = trained.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return {
    ...plan,
    flops,
    seconds: trainingSeconds(flops),
    memoryBytes: trainingMemory({
      config,
      batch,
      block,
      parameters: plan.parameters ?? 0,
      trained: size,
      others,
      slots: slots.length,
      accumulates: accumulate > 1,
      logits,
      recompute,
    }),
    produces: { config } satisfies PlannedCheckpoint,
  };
}

/** Plans `train/lm`. */
export function planTraining(options: TrainLmOptions, config: LmConfig, context: PlanContext): StepPlan {
  const model = buildLanguageModel(config, context);
  const teacher = planTeacher(options, config, context);
  const adapters = options.lora && createAdapters(model.parameters(), options.lora);
  progressiveModels(options, model, context);
  return planSteps(
    options,
    {
      config,
      flopsPerToken: trainingFlops(model, options.block) + teacher.flopsPerToken,
      trained: trainedParameters(model.parameters(), options, adapters?.parameters),
      others: teacher.parameters,
      logits: true,
      recompute: options.recompute === 'layers',
    },
    context,
  );
}

/** Plans `train/attention-transfer`: one forward pass of the old model, and the new attention forward and backward. */
export function planTransfer(options: AttentionTransferOptions, config: LmConfig, context: PlanContext): StepPlan {
  const model = buildLanguageModel(config, context);
  const { teacher, own } = imitation(model, options.teacher, context);
  // The backward pass costs twice the forward pass, and reaches nothing but the new attention.
  const added = own.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const flopsPerToken =
    trainingFlops(teacher, options.block) / 3 + 6 * added + mixingFlops(model, options.block / 2) * 3;
  return planSteps(options, { config, flopsPerToken, trained: own, others: 0, logits: false }, context);
}
