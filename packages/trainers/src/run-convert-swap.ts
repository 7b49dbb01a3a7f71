/** Runs `convert/swap`. The result carries no optimizer state: training after it starts afresh. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSeed, type StepContext, type StepResult } from '@t2r/core';
import { buildModel, configOf, isTranslation, type ModelConfig, parameterCount, type Weights } from '@t2r/models';
import { saveCheckpoint } from '@t2r/zoo';
import { AUTO_MODEL, type FixedSwapOptions, isAuto, type SwapOptions } from './convert-swap.js';
import type { LayerMeasures } from './layer-measures.js';
import { type PlannedLayer, planLayers, swappedLayers } from './layer-plan.js';
import { loadAnyModel } from './load-model.js';
import { type Swapped, swapModel, swapWeights } from './swap.js';
import { RESUME_FOLDER, SETTLE_FOLDER } from './training-run.js';

interface Conversion extends Swapped {
  plan: PlannedLayer[];
  measures?: LayerMeasures;
}

/** A conversion whose layers are named. */
function swapFixed(
  { layers: option, attention, cross }: FixedSwapOptions,
  config: ModelConfig,
  weights: Weights,
  seed: number,
  context: StepContext,
): Conversion {
  const plan = planLayers(option, config, attention.use, cross?.use);
  const layers = swappedLayers(plan);
  const before = buildModel(config, context);
  const after = swapModel(config, { attention, cross }, layers, context);
  const places = cross ? (['attention', 'cross'] as const) : (['attention'] as const);
  return { plan, ...swapWeights({ before, after, layers, places, weights, seed }) };
}

/** Converts a checkpoint and writes the result. */
export async function runSwap(options: SwapOptions, context: StepContext): Promise<StepResult> {
  const source = context.input(options.from);
  const checkpoint = await loadAnyModel(source.folder, context);
  const config = checkpoint.config.model;
  const seed = deriveSeed(context.seed, options.seed, 'convert/swap');
  const { model, weights, plan, measures, kept, drawn, dropped }: Conversion = isAuto(options)
    ? await (await import('./run-swap-auto.js')).swapAuto(
        options,
        configOf('decoder-lm', config, AUTO_MODEL),
        checkpoint.weights,
        seed,
        context,
      )
    : swapFixed(options as FixedSwapOptions, config, checkpoint.weights, seed, context);
  await saveCheckpoint(context.folder, {
    config: {
      ...checkpoint.config,
      model: model.config,
      provenance: {
        step: 'convert/swap',
        from: source.key,
        attention: options.attention,
        ...(options.cross && { cross: options.cross }),
        plan,
        seed,
      },
    },
    weights,
    tokenizerPath: checkpoint.tokenizer,
    sourceTokenizerPath: checkpoint.sourceTokenizer,
  });
  // What the training runs of an automatic plan could have gone on from.
  for (const name of [RESUME_FOLDER, SETTLE_FOLDER])
    await rm(join(context.folder, name), { recursive: true, force: true });
  const { maxPositions } = model.config;
  context.events.info(`${kept.length} tensors kept, ${drawn.length} drawn, ${dropped.length} dropped`);
  return {
    metrics: {
      parameters: parameterCount(model),
      new_parameters: drawn.reduce((sum, name) => sum + weights[name]!.data.length, 0),
      state_bytes_per_sequence: isTranslation(model)
        ? model.stateBytes(maxPositions, maxPositions)
        : model.stateBytes(maxPositions),
    },
    data: { model: model.config, plan, measures, kept: kept.length, drawn, dropped },
  };
}
