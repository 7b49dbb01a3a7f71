/** Runs `train/translation`. */
import type { StepContext, StepResult } from '@t2r/core';
import type { PairsData } from '@t2r/datasets';
import { buildTranslationModel } from '@t2r/models';
import type { Choice } from './kept-weights.js';
import { loadTranslation } from './load-model.js';
import { fitToData, pairData } from './pair-data.js';
import { trainedParameters } from './parameter-patterns.js';
import { runTraining } from './training-run.js';
import { translationObjective } from './translation-objective.js';
import type { TrainTranslationOptions } from './translation-schema.js';

function choiceOf({ average }: TrainTranslationOptions): Choice | undefined {
  if (average?.last !== undefined) return { of: 'last', count: average.last };
  if (average?.best !== undefined) return { of: 'best', count: average.best };
  return undefined;
}

/** Trains (or resumes training) and leaves a checkpoint folder with training.json beside the weights. */
export function runTrainTranslation(options: TrainTranslationOptions, context: StepContext): Promise<StepResult> {
  const { data, steps, epochs, keep, average, train, freeze, groups, labelSmoothing } = options;
  return runTraining(
    options,
    context,
    async () => {
      const checkpoint = await loadTranslation(context.input(options.from).folder, context);
      const model = fitToData(checkpoint.config.model, context.input(data).data as PairsData, data.step);
      return { ...checkpoint, config: { ...checkpoint.config, model } };
    },
    ({ config, tokenizer }) => {
      const model = buildTranslationModel(config.model, context);
      const trained = trainedParameters(model.parameters(), options);
      return {
        step: 'train/translation',
        parameters: model.parameters(),
        stages: [{ from: 0, objective: translationObjective(model, labelSmoothing), trained }],
        trained,
        groups,
        open: pairData(options, context, model, tokenizer),
        choice: choiceOf(options),
        provenance: { steps, epochs, keep, average, train, freeze, groups },
      };
    },
  );
}
