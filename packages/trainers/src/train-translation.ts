/** The step `train/translation`: pretraining and finetuning of encoder-decoders are the same step with different inputs. */
import { availableParallelism } from 'node:os';
import { defineComponent, type PlanContext, type Step, type StepPlan } from '@t2r/core';
import { checkSplit, type PlannedPairs } from '@t2r/datasets';
import { sizeOf } from '@t2r/engine';
import { buildTranslationModel, type ModelConfig } from '@t2r/models';
import { trainedParameters } from './parameter-patterns.js';
import { FLOPS_PER_CORE } from './train-plan.js';
import { type TrainTranslationOptions, trainTranslationSchema } from './translation-schema.js';

/** Size of the model; work and memory where the steps are given, for batches without padding. */
function planTraining(options: TrainTranslationOptions, context: PlanContext): StepPlan {
  const { data, split, evaluate, from, steps, accumulate, tokens, optimizer } = options;
  const { splits } = (context.input(data).produces ?? {}) as PlannedPairs;
  if (splits !== undefined)
    for (const wanted of [split, evaluate?.split]) if (wanted !== undefined) checkSplit(splits, wanted);
  const { config } = (context.input(from).produces ?? {}) as { config?: ModelConfig };
  if (config?.use !== 'encoder-decoder') return {};
  const model = buildTranslationModel(config, context);
  const specs = model.parameters();
  const count = (list: readonly { shape: readonly number[] }[]) =>
    list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const parameters = count(specs);
  const trained = count(trainedParameters(specs, options));
  const { slots } = context.create('optimizer', optimizer);
  // Two operations a weight and position forward, four backward; tables are the output projection alone.
  const flops = steps === undefined ? undefined : 6 * parameters * tokens * accumulate * steps;
  return {
    parameters,
    stateBytesPerSequence: model.stateBytes(config.maxPositions, config.maxPositions),
    flops,
    seconds: flops && flops / (FLOPS_PER_CORE * availableParallelism()),
    memoryBytes: 4 * (parameters - trained + trained * (2 * (2 + slots.length) + 1) + 2 * tokens * config.vocab),
    produces: { config },
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
      'train.loss',
      'steps',
      'tokens_per_s',
      'host_share',
      'peak_rss_bytes',
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
