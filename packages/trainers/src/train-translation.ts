/** The step `train/translation`: pretraining and finetuning of encoder-decoders are the same step with different inputs. */
import { defineComponent, type PlanContext, type Step, type StepPlan } from '@t2r/core';
import { checkSplit, type PlannedPairs } from '@t2r/datasets';
import { sizeOf } from '@t2r/engine';
import {
  buildTranslationModel,
  configOf,
  modelPlan,
  type PlannedCheckpoint,
  plannedModel,
  translationTrainingFlops,
} from '@t2r/models';

import { trainedParameters } from './parameter-patterns.js';
import { checkPrecision } from './precision.js';
import { trainingSeconds } from './train-plan.js';
import { TRAINING_METRICS } from './training-step.js';
import { type TrainTranslationOptions, trainTranslationSchema } from './translation-schema.js';

/** Tokens of a sentence that work is estimated for. */
const SENTENCE = 25;

/** Size of the model; work where the steps are given, for batches without padding. */
function planTraining(options: TrainTranslationOptions, context: PlanContext): StepPlan {
  const { data, split, evaluate, from, steps, accumulate, tokens, shapes, optimizer } = options;
  checkPrecision(options, context);
  const { splits } = (context.input(data).produces ?? {}) as PlannedPairs;
  if (splits !== undefined)
    for (const wanted of [split, evaluate?.split]) if (wanted !== undefined) checkSplit(splits, wanted);
  const planned = plannedModel(context, from);
  if (planned === undefined) return {};
  const config = configOf('encoder-decoder', planned, `the model of step ${from.step}`);
  const model = buildTranslationModel(config, context);
  const plan = modelPlan(model);
  const all = plan.parameters ?? 0;
  const trained = trainedParameters(model.parameters(), options).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const { slots } = context.create('optimizer', optimizer);
  const batch = (tokens / SENTENCE) * translationTrainingFlops(model, SENTENCE, SENTENCE);
  const flops = steps === undefined ? undefined : steps * accumulate * batch;
  // Present and next value of parameters, slots and gradients; of each shape's program, the logits and what the loss makes of
  // them, which is most of what it keeps: measured, nine numbers for each logit.
  const variables = all - trained + trained * 2 * (2 + slots.length);
  return {
    ...plan,
    flops,
    seconds: flops && trainingSeconds(flops),
    memoryBytes: 4 * (variables + 9 * shapes * tokens * config.vocab),
    produces: { config } satisfies PlannedCheckpoint,
  };
}

function createTranslationStep(options: TrainTranslationOptions): Step {
  const measured = (prefix: string) => [
    `${prefix}.perplexity`,
    ...(options.evaluate?.bleu === undefined ? [] : [`${prefix}.bleu`]),
  ];
  return {
    produces: 'checkpoint',
    usesEngine: true,
    metricNames: () => [
      ...TRAINING_METRICS,
      ...(options.evaluate === undefined ? [] : [...measured('valid'), 'best.step', ...measured('best.valid')]),
    ],
    plan: (context) => planTraining(options, context),
    run: async (context) => (await import('./run-train-translation.js')).runTrainTranslation(options, context),
  };
}

export const trainTranslation = defineComponent({
  kind: 'step',
  name: 'train/translation',
  description: 'Trains an encoder-decoder on pairs; resumes exactly where it was interrupted.',
  schema: trainTranslationSchema,
  create: createTranslationStep,
});
