/** The step `zoo/save`: a checkpoint as a folder for others, in the way of the Hugging Face Hub, with a model card. */
import { defineComponent, type Step, stepRef, UserError } from '@t2r/core';
import { plannedModel } from '@t2r/models';
import { z } from 'zod';
import { writableFamily } from '../architectures/writable.js';

const schema = z.strictObject({
  from: stepRef('checkpoint', 'The step whose checkpoint is written.'),
  to: z
    .enum(['auto', 'transformers', 'own'])
    .default('auto')
    .describe(
      "transformers: what Python's transformers loads; own: this project's format, for converted models and others that transformers has no class for; auto: transformers where it can be.",
    ),
  name: z.string().min(1).optional().describe('Name of the model, the heading of its card. Default: run and step.'),
  licence: z
    .string()
    .regex(/^[\w.+-]+$/, 'expected an identifier such as mit, apache-2.0 or other')
    .optional()
    .describe('Licence for the card, e.g. apache-2.0. Default: what the card of the loaded model says.'),
  evaluations: z
    .array(stepRef('metrics', 'A step that evaluates.'))
    .default([])
    .describe('Steps whose figures of this checkpoint stand in the card, e.g. [perplexity].'),
  shardBytes: z
    .int()
    .min(1)
    .default(5e9)
    .describe('Most bytes of weights in one file, unless one tensor alone has more.'),
});

export type SaveOptions = z.output<typeof schema>;

export const saveStep = defineComponent({
  kind: 'step',
  name: 'zoo/save',
  description: 'A checkpoint as a folder in the way of the Hugging Face Hub, with its tokenizer and a model card.',
  schema,
  create: (options): Step => ({
    produces: 'export',
    metricNames: () => ['parameters', 'bytes'],
    plan(context) {
      const config = plannedModel(context, options.from);
      if (config === undefined || options.to !== 'transformers') return {};
      const { family, reason } = writableFamily(config);
      if (family === undefined)
        throw new UserError(`to: transformers: ${reason}`, { hint: 'Write it with to: own, or leave `to` out.' });
      return {};
    },
    run: async (context) => (await import('./run-save.js')).runSave(options, context),
  }),
});
