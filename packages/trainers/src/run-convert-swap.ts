/** Runs `convert/swap`. The result carries no optimizer state: training after it starts afresh. */
import { deriveSeed, type StepContext, type StepResult } from '@t2r/core';
import { buildLanguageModel, initialParameter, parameterCount } from '@t2r/models';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '@t2r/zoo';
import type { SwapOptions } from './convert-swap.js';
import { planLayers, swappedLayers } from './layer-plan.js';
import { sortWeights, swapAttention } from './swap.js';

/** Converts a checkpoint and writes the result. */
export async function runSwap(options: SwapOptions, context: StepContext): Promise<StepResult> {
  const source = context.input(options.from);
  const checkpoint = await loadCheckpoint(source.folder, {
    parameters: (config) => buildLanguageModel(config, context).parameters(),
  });
  const config = checkpoint.config.model;
  const plan = planLayers(options.layers, config, options.attention.use);
  const layers = swappedLayers(plan);
  const before = buildLanguageModel(config, context);
  const after = swapAttention(config, options.attention, layers, context);
  const { kept, drawn, dropped } = sortWeights(before, after, layers);
  const seed = deriveSeed(context.seed, options.seed, 'convert/swap');
  const isNew = new Set(drawn);
  const weights: Checkpoint['weights'] = {};
  for (const spec of after.parameters())
    weights[spec.name] = isNew.has(spec.name)
      ? { shape: spec.shape, data: initialParameter(spec, seed) }
      : checkpoint.weights[spec.name]!;
  await saveCheckpoint(context.folder, {
    config: {
      format: 't2r-checkpoint',
      version: 1,
      model: after.config,
      provenance: { step: 'convert/swap', from: source.key, attention: options.attention, plan, seed },
    },
    weights,
    tokenizerPath: checkpoint.tokenizer,
  });
  context.events.info(`${kept.length} tensors kept, ${drawn.length} drawn, ${dropped.length} dropped`);
  return {
    metrics: {
      parameters: parameterCount(after),
      new_parameters: drawn.reduce((sum, name) => sum + weights[name]!.data.length, 0),
      state_bytes_per_sequence: after.stateBytes(after.config.maxPositions),
    },
    data: { model: after.config, plan, kept: kept.length, drawn, dropped },
  };
}
