/** The step `convert/swap`: T2R's first half, another attention in place of the trained one. */
import {
  type ComponentSpec,
  componentOption,
  defineComponent,
  type PlanContext,
  type Step,
  type StepPlan,
  stepRef,
} from '@t2r/core';
import { checkSplit, type PlannedTokens } from '@t2r/datasets';
import {
  buildLanguageModel,
  configOf,
  type LmConfig,
  modelPlan,
  type PlannedCheckpoint,
  plannedModel,
} from '@t2r/models';
import { z } from 'zod';
import { layerBytes, measurableLayers } from './auto-layers.js';
import { type AutoOptions, autoSchema, checkBudget } from './auto-plan.js';
import { type FixedLayers, layersOption, planLayers, swappedLayers } from './layer-plan.js';
import { seedOption } from './seed.js';
import { swapAttention, swapModel } from './swap.js';
import { checkBlock, planTraining, planTransfer } from './train-plan.js';

const schema = z
  .strictObject({
    from: stepRef('checkpoint', 'The step whose checkpoint is converted.'),
    attention: componentOption('attention', 'The attention to put in, e.g. { use: t2r-mlp, features: 32 }.'),
    cross: componentOption(
      'attention',
      "The cross-attention to put into an encoder-decoder, beside the decoder's self-attention; default: it stays.",
    ).optional(),
    layers: layersOption,
    auto: autoSchema
      .optional()
      .describe('With layers: auto, what may be kept, and what to measure with; the new maps keep what they learned.'),
    seed: seedOption,
  })
  .refine(({ layers, auto }) => (layers === 'auto') === (auto !== undefined), {
    path: ['auto'],
    message: 'layers: auto and auto: { budget, data, ... } belong together',
  });

export type SwapOptions = z.output<typeof schema>;

/** Options with the choice of layers left to a measurement. */
export type AutoSwapOptions = SwapOptions & { auto: AutoOptions };
/** Options that name the layers. */
export type FixedSwapOptions = SwapOptions & { layers: FixedLayers };

export const isAuto = (options: SwapOptions): options is AutoSwapOptions => options.layers === 'auto';

/** What is told of models whose layers cannot be chosen by measurement. */
export const AUTO_MODEL = 'layers: auto: the model';

/** Which layers are chosen shows when they are measured; what they cost does not depend on it where all layers are alike. */
function planAuto({ auto, attention, from, seed }: AutoSwapOptions, config: LmConfig, context: PlanContext): StepPlan {
  const { splits } = (context.input(auto.data).produces ?? {}) as PlannedTokens;
  for (const split of [auto.split, auto.measure.split]) checkSplit(splits, split);
  checkBlock(auto.block, config);
  const before = buildLanguageModel(config, context);
  const layers = measurableLayers(before, attention.use);
  const student = swapAttention(config, attention, layers, context);
  const { bytes, fixed } = layerBytes(before, student, layers);
  checkBudget(auto.budget, bytes, fixed);
  const kept = auto.budget.layers ?? 0;
  const model = swapAttention(config, attention, layers.slice(0, layers.length - kept), context);
  const old: ComponentSpec = config.attention[layers[0]!]!;
  const transfer = { ...auto, from, seed, keep: 'last' as const, teacher: old, outputs: 1, weights: 0 };
  const plans = [planTransfer(transfer, student.config, context)];
  if (auto.settle.steps > 0) {
    const settle = { ...auto, ...auto.settle, from, seed, keep: 'last' as const, labelSmoothing: 0 };
    plans.push(planTraining(settle, student.config, context));
  }
  const sum = (key: 'flops' | 'seconds') => plans.reduce((total, plan) => total + plan[key]!, 0);
  return {
    ...modelPlan(model),
    flops: sum('flops'),
    memoryBytes: Math.max(...plans.map(({ memoryBytes }) => memoryBytes!)),
    seconds: sum('seconds'),
    note: kept > 0 ? `${kept} of ${layers.length} layers kept, chosen by measurement` : 'layers chosen by measurement',
    produces: { config: model.config } satisfies PlannedCheckpoint,
  };
}

export const convertSwap = defineComponent({
  kind: 'step',
  name: 'convert/swap',
  description: 'Swaps the attention of a checkpoint; only the new feature maps are drawn anew (Kasai et al. 2021).',
  schema,
  create: (options): Step => ({
    produces: 'checkpoint',
    usesEngine: isAuto(options),
    metricNames: () => ['parameters', 'new_parameters', 'state_bytes_per_sequence'],
    plan(context) {
      const config = plannedModel(context, options.from);
      if (config === undefined) return {};
      if (isAuto(options)) return planAuto(options, configOf('decoder-lm', config, AUTO_MODEL), context);
      const layers = swappedLayers(planLayers((options as FixedSwapOptions).layers, config, options.attention.use));
      const model = swapModel(config, options, layers, context);
      return { ...modelPlan(model), produces: { config: model.config } satisfies PlannedCheckpoint };
    },
    run: async (context) => (await import('./run-convert-swap.js')).runSwap(options, context),
  }),
});
