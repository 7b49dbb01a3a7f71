/** `layers: auto`: transfers attention to all layers in memory, measures them, and chooses which are converted. */
import type { StepContext } from '@t2r/core';
import { buildLanguageModel, type LmConfig, type Weights } from '@t2r/models';
import { layerBytes, measurableLayers } from './auto-layers.js';
import { checkBudget, chooseKept, measuredPlan } from './auto-plan.js';
import type { AutoSwapOptions } from './convert-swap.js';
import type { Imitation } from './imitation.js';
import { type LayerMeasures, measureLayers } from './layer-measures.js';
import type { PlannedLayer } from './layer-plan.js';
import { type Swapped, swapAttention, swapWeights } from './swap.js';
import { openSplit, trainWeights } from './training-run.js';
import { transferObjective } from './transfer-objective.js';

export interface AutoResult extends Swapped {
  plan: PlannedLayer[];
  measures: LayerMeasures;
}

/**
 * Converts a model where it costs least.
 *
 * @param weights of the model before
 * @param seed of what is drawn
 */
export async function swapAuto(
  { auto, attention, from, seed: own }: AutoSwapOptions,
  config: LmConfig,
  weights: Weights,
  seed: number,
  context: StepContext,
): Promise<AutoResult> {
  const before = buildLanguageModel(config, context);
  const layers = measurableLayers(before, attention.use);
  const student = swapAttention(config, attention, layers, context);
  const { bytes, fixed } = layerBytes(before, student, layers);
  checkBudget(auto.budget, bytes, fixed);
  const all = swapWeights({ before, after: student, layers, weights, seed });
  const drawn = new Set(all.drawn);
  const pair: Imitation = {
    student,
    teacher: before,
    layers,
    own: student.parameters().filter(({ name }) => drawn.has(name)),
  };
  const engine = await context.create('engine', context.engineSpec).open();
  const reader = openSplit(context, auto.data, auto.measure.split);
  try {
    let measures: LayerMeasures | undefined;
    const trained = pair.own.map((spec) => ({ ...spec, group: 0 }));
    const { weights: transferred } = await trainWeights(
      engine,
      { ...auto, from, keep: 'last', seed: own },
      context,
      all.weights,
      {
        step: 'convert/swap',
        model: student,
        stages: [
          { from: 0, objective: transferObjective(student, before, layers, { outputs: 1, weights: 0 }), trained },
        ],
        trained,
        provenance: {},
        async measure(_, variables) {
          const options = { batch: auto.batch, block: auto.block, batches: auto.measure.batches };
          measures = await measureLayers(engine, variables, reader, pair, options, context);
          return {};
        },
      },
    );
    const kept = chooseKept(measures!, auto.budget, bytes, fixed);
    const chosen = layers.filter((layer) => !kept.includes(layer));
    const plan = measuredPlan(
      config.attention.map(({ use }, layer) => ({
        layer,
        attention: chosen.includes(layer) ? attention.use : use,
        swapped: false,
        reason: 'not measured: it has no attention that auto could convert',
      })),
      measures!,
      kept,
    );
    const after = swapAttention(config, attention, chosen, context);
    const swapped = swapWeights({ before, after, layers: chosen, weights, seed });
    // What the transfer has taught the new feature maps stays.
    for (const name of swapped.drawn) swapped.weights[name] = transferred[name]!;
    return { ...swapped, plan, measures: measures! };
  } finally {
    reader.close();
    await engine.dispose();
  }
}
