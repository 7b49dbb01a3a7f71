/** The step `convert/swap`: T2R's first half, another attention in place of the trained one. */
import { componentOption, defineComponent, type Step, stepRef } from '@t2r/core';
import { z } from 'zod';
import { layersOption, planLayers, swappedLayers } from './layer-plan.js';
import { modelPlan, type PlannedCheckpoint, plannedConfig } from './model-plan.js';
import { seedOption } from './seed.js';
import { swapAttention } from './swap.js';

const schema = z.strictObject({
  from: stepRef('checkpoint', 'The step whose checkpoint is converted.'),
  attention: componentOption('attention', 'The attention to put in, e.g. { use: t2r-mlp, features: 32 }.'),
  layers: layersOption,
  seed: seedOption,
});

export type SwapOptions = z.output<typeof schema>;

export const convertSwap = defineComponent({
  kind: 'step',
  name: 'convert/swap',
  description: 'Swaps the attention of a checkpoint; only the new feature maps are drawn anew (Kasai et al. 2021).',
  schema,
  create: (options): Step => ({
    produces: 'checkpoint',
    metricNames: () => ['parameters', 'new_parameters', 'state_bytes_per_sequence'],
    plan(context) {
      const config = plannedConfig(context, options.from);
      if (config === undefined) return {};
      const layers = swappedLayers(planLayers(options.layers, config, options.attention.use));
      const model = swapAttention(config, options.attention, layers, context);
      return { ...modelPlan(model), produces: { config: model.config } satisfies PlannedCheckpoint };
    },
    run: async (context) => (await import('./run-convert-swap.js')).runSwap(options, context),
  }),
});
