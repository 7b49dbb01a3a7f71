/** The step `model/init`: a model with random weights, sized for a tokenizer's vocabulary. */

import { componentOption, defineComponent, type Step, stepRef } from '@t2r/core';
import { modelPlan, type PlannedCheckpoint } from '@t2r/models';
import { z } from 'zod';
import { seedOption } from './seed.js';

const schema = z.strictObject({
  model: componentOption('model', 'The model and its hyperparameters, e.g. { use: decoder-lm, layers: 4, dim: 256 }.'),
  tokenizer: stepRef('tokenizer', 'The step whose tokenizer gives the vocabulary; it is copied beside the weights.'),
  seed: seedOption,
});

export type ModelInitOptions = z.output<typeof schema>;

export const modelInit = defineComponent({
  kind: 'step',
  name: 'model/init',
  description: 'A model with weights drawn from the seed.',
  schema,
  create: (options): Step => ({
    produces: 'checkpoint',
    metricNames: () => ['parameters'],
    plan(context) {
      const { vocab } = (context.input(options.tokenizer).produces ?? {}) as { vocab?: number };
      if (vocab === undefined) return {};
      const model = context.create('model', options.model).build(vocab);
      return { ...modelPlan(model), produces: { config: model.config } satisfies PlannedCheckpoint };
    },
    run: async (context) => (await import('./run-model-init.js')).runModelInit(options, context),
  }),
});
