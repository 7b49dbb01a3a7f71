/** The step `evaluate/perplexity`: perplexity and bits per byte of checkpoints on splits of a corpus, with the protocol. */
import { defineComponent, type Step } from '@t2r/core';
import { perplexityMetricNames } from './perplexity-protocol.js';
import { type PerplexityOptions, perplexitySchema } from './perplexity-schema.js';

function createPerplexityStep(options: PerplexityOptions): Step {
  const { of, splits, window, stride = window } = options;
  return {
    produces: 'metrics',
    usesEngine: true,
    metricNames: () =>
      of.flatMap(({ step }) => splits.flatMap((split) => Object.values(perplexityMetricNames(step, split)))),
    plan: () => ({ note: `${of.length * splits.length} passes, window ${window}, stride ${stride}` }),
    run: async (context) => (await import('./run-perplexity.js')).runPerplexity(options, context),
  };
}

export const perplexityStep = defineComponent({
  kind: 'step',
  name: 'evaluate/perplexity',
  description: 'Perplexity per token and bits per byte on splits of a corpus, with the protocol of the measurement.',
  schema: perplexitySchema,
  create: createPerplexityStep,
});
