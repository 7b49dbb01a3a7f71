/**
 * The step `evaluate/generation`: decoding speed, bytes of state and resident memory against position, and a sample text,
 * for each checkpoint.
 */
import { defineComponent, type Step } from '@t2r/core';
import { planGeneration } from './generation-plan.js';
import { type GenerationOptions, generationSchema } from './generation-schema.js';

/** Metric names of a checkpoint at a position. */
export function generationMetricNames(id: string, position: number) {
  return {
    tokensPerSecond: `${id}.tokens_per_s@${position}`,
    stateBytes: `${id}.state_bytes@${position}`,
    rssBytes: `${id}.rss_bytes@${position}`,
  };
}

function createGenerationStep(options: GenerationOptions): Step {
  const { of, positions } = options;
  return {
    produces: 'metrics',
    usesEngine: true,
    metricNames: () =>
      of.flatMap(({ step }) => positions.flatMap((position) => Object.values(generationMetricNames(step, position)))),
    plan: (context) => planGeneration(options, context),
    run: async (context) => (await import('./run-generation.js')).runGeneration(options, context),
  };
}

export const generationStep = defineComponent({
  kind: 'step',
  name: 'evaluate/generation',
  // 2: caches as large as the position, and not up to twice that.
  version: '2',
  description: 'Decoding speed, bytes of state and memory against position, and a sample text.',
  schema: generationSchema,
  create: createGenerationStep,
});
