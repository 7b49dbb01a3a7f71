/** The step `evaluate/translation-speed`: speed of translation and bytes of state against length. */
import { defineComponent, type Step, stepRef } from '@t2r/core';
import { z } from 'zod';

export const translationSpeedSchema = z.strictObject({
  of: z
    .array(stepRef('checkpoint', 'A step that leaves a checkpoint for translation.'))
    .min(1)
    .describe('Checkpoints to measure.'),
  lengths: z
    .array(z.int().min(2))
    .min(1)
    .default([64, 128, 256, 512, 1024, 2048])
    .describe('Tokens of the random sources, and of the translations, which are kept from ending before.'),
  batches: z.array(z.int().min(1)).min(1).default([1, 16]).describe('Sentences translated side by side.'),
  rounds: z.int().min(1).default(3).describe('Times that each length is translated; the speed is the median.'),
});

export type TranslationSpeedOptions = z.output<typeof translationSpeedSchema>;

/** Metric names of a checkpoint at a length, with so many sentences side by side. */
export function translationSpeedNames(id: string, length: number, batch: number) {
  return {
    tokensPerSecond: `${id}.tokens_per_s@${length}x${batch}`,
    stateBytes: `${id}.state_bytes@${length}x${batch}`,
  };
}

function createTranslationSpeedStep(options: TranslationSpeedOptions): Step {
  const { of, lengths, batches } = options;
  return {
    produces: 'metrics',
    usesEngine: true,
    metricNames: () =>
      of.flatMap(({ step }) =>
        batches.flatMap((batch) =>
          lengths.flatMap((length) => Object.values(translationSpeedNames(step, length, batch))),
        ),
      ),
    plan: () => ({ note: `translates to ${lengths.join(', ')} tokens, ${batches.join(' and ')} side by side` }),
    run: async (context) => (await import('./run-speed.js')).runTranslationSpeed(options, context),
  };
}

export const translationSpeedStep = defineComponent({
  kind: 'step',
  name: 'evaluate/translation-speed',
  description:
    'Speed of translation and bytes of state against length, with forced lengths as the paper simulates them.',
  schema: translationSpeedSchema,
  create: createTranslationSpeedStep,
});
