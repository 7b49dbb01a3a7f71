/** The step `evaluate/perplexity`: perplexity and bits per byte of checkpoints on splits of a corpus, with the protocol. */
import { defineComponent, type Step, UserError } from '@t2r/core';
import { checkSplit, type PlannedTokens } from '@t2r/datasets';
import { configOf, type LmConfig, type ModelConfig } from '@t2r/models';
import { perplexityMetricNames } from './perplexity-protocol.js';
import { type PerplexityOptions, perplexitySchema } from './perplexity-schema.js';

/** @throws UserError where the window is longer than the learned positions of the checkpoint of step `id`. */
export function checkWindow(id: string, window: number, { positions, maxPositions }: LmConfig): void {
  if (positions !== 'learned' || window <= maxPositions) return;
  throw new UserError(`window ${window} is longer than the ${maxPositions} learned positions of ${id}`, {
    hint: `Set window: ${maxPositions} or less.`,
  });
}

function createPerplexityStep(options: PerplexityOptions): Step {
  const { of, data, splits, window, stride = window } = options;
  return {
    produces: 'metrics',
    usesEngine: true,
    metricNames: () =>
      of.flatMap(({ step }) => splits.flatMap((split) => Object.values(perplexityMetricNames(step, split)))),
    plan({ input }) {
      const tokens = (input(data).produces ?? {}) as PlannedTokens;
      for (const split of splits) checkSplit(tokens.splits, split);
      for (const ref of of) {
        const { config } = (input(ref).produces ?? {}) as { config?: ModelConfig };
        if (config === undefined) continue;
        checkWindow(ref.step, window, configOf('decoder-lm', config, `the model of step ${ref.step}`));
      }
      return { note: `${of.length * splits.length} passes, window ${window}, stride ${stride}` };
    },
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
