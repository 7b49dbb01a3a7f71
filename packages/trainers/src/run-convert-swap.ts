/** Runs `convert/swap`. The result carries no optimizer state: training after it starts afresh. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSeed, type StepContext, type StepResult } from '@t2r/core';
import { buildLanguageModel, type LmConfig, parameterCount, type Weights } from '@t2r/models';
import { saveCheckpoint } from '@t2r/zoo';
import { type FixedSwapOptions, isAuto, type SwapOptions } from './convert-swap.js';
import type { LayerMeasures } from './layer-measures.js';
import { type PlannedLayer, planLayers, swappedLayers } from './layer-plan.js';
import { loadModel } from './lm-data.js';
import { type Swapped, swapAttention, swapWeights } from './swap.js';
import { RESUME_FOLDER, SETTLE_FOLDER } from './training-run.js';

interface Conversion extends Swapped {
  plan: PlannedLayer[];
  measures?: LayerMeasures;
}

/** A conversion whose layers are named. */
function swapFixed(
  { layers: option, attention }: FixedSwapOptions,
  config: LmConfig,
  weights: Weights,
  seed: number,
  context: StepContext,
): Conversion {
  const plan = planLayers(option, config, attention.use);
  const layers = swappedLayers(plan);
  const before = buildLanguageModel(config, context);
  const after = swapAttention(config, attention, layers, context);
  return { plan, ...swapWeights({ before, after, layers, weights, seed }) };
}

/** Converts a checkpoint and writes the result. */
export async function runSwap(options: SwapOptions, context: StepContext): Promise<StepResult> {
  const source = context.input(options.from);
  const checkpoint = await loadModel(source.folder, context);
  const config = checkpoint.config.model;
  const seed = deriveSeed(context.seed, options.seed, 'convert/swap');
  const { model, weights, plan, measures, kept, drawn, dropped }: Conversion = isAuto(options)
    ? await (await import('./run-swap-auto.js')).swapAuto(options, config, checkpoint.weights, seed, context)
    : swapFixed(options as FixedSwapOptions, config, checkpoint.weights, seed, context);
  await saveCheckpoint(context.folder, {
    config: {
      format: 't2r-checkpoint',
      version: 1,
      model: model.config,
      provenance: { step: 'convert/swap', from: source.key, attention: options.attention, plan, seed },
    },
    weights,
    tokenizerPath: checkpoint.tokenizer,
  });
  // What the training runs of an automatic plan could have gone on from.
  for (const name of [RESUME_FOLDER, SETTLE_FOLDER])
    await rm(join(context.folder, name), { recursive: true, force: true });
  context.events.info(`${kept.length} tensors kept, ${drawn.length} drawn, ${dropped.length} dropped`);
  return {
    metrics: {
      parameters: parameterCount(model),
      new_parameters: drawn.reduce((sum, name) => sum + weights[name]!.data.length, 0),
      state_bytes_per_sequence: model.stateBytes(model.config.maxPositions),
    },
    data: { model: model.config, plan, measures, kept: kept.length, drawn, dropped },
  };
}
