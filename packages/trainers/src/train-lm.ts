/** The step `train/lm`: pretraining and finetuning are the same step with different inputs. */
import { defineComponent } from '@t2r/core';
import { planTraining } from './train-plan.js';
import { trainLmSchema } from './train-schema.js';
import { trainingStep } from './training-step.js';

export const trainLm = defineComponent({
  kind: 'step',
  name: 'train/lm',
  description: 'Trains a language model; resumes exactly where it was interrupted.',
  schema: trainLmSchema,
  create: (options) =>
    trainingStep(options, {
      plan: (config, context) => planTraining(options, config, context),
      run: async (context) => (await import('./run-train-lm.js')).runTrainLm(options, context),
    }),
});
