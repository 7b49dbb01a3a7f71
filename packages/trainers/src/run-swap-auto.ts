/** `layers: auto`: transfers attention to all layers in memory, measures them, and chooses which are converted. */
import type { StepContext } from '@t2r/core';
import type { TokenReader } from '@t2r/datasets';
import type { Engine, Variables } from '@t2r/engine';
import { buildLanguageModel, type LmConfig, type Weights } from '@t2r/models';
import { layerBytes, measurableLayers } from './auto-layers.js';
import { checkBudget, chooseKept, measuredPlan } from './auto-plan.js';
import type { AutoSwapOptions } from './convert-swap.js';
import type { Imitation } from './imitation.js';
import { type LayerMeasures, measureLayers } from './layer-measures.js';
import type { PlannedLayer } from './layer-plan.js';
import { blockData, openSplit } from './lm-data.js';
import { mixedModel } from './mixed-model.js';
import { languageModelObjective } from './objective.js';
import { trainedParameters } from './parameter-patterns.js';
import { type Swapped, swapAttention, swapWeights } from './swap.js';
import { SETTLE_FOLDER, trainWeights } from './training-run.js';
import { transferObjective } from './transfer-objective.js';

export interface AutoResult extends Swapped {
  plan: PlannedLayer[];
  measures: LayerMeasures;
}

/** Everything that trains and measures share. */
interface Measurement {
  options: AutoSwapOptions;
  pair: Imitation;
  engine: Engine;
  reader: TokenReader;
  context: StepContext;
}

/** Weights in which the new attention has learned to imitate the old one, and the measures where nothing else is to come. */
async function transfer({ options, pair, engine, reader, context }: Measurement, weights: Weights) {
  const { auto, from, seed } = options;
  const { student, teacher, layers, own } = pair;
  const trained = own.map((spec) => ({ ...spec, group: 0 }));
  const objective = transferObjective(student, teacher, layers, { outputs: 1, weights: 0 });
  let measures: LayerMeasures | undefined;
  const training = { ...auto, from, keep: 'last' as const, seed };
  const result = await trainWeights(engine, training, context, weights, {
    step: 'convert/swap',
    parameters: student.parameters(),
    stages: [{ from: 0, objective, trained }],
    trained,
    open: blockData(training, context, student),
    provenance: {},
    async measure(_, variables) {
      if (auto.settle.steps === 0) measures = await measure({ options, pair, engine, reader, context }, variables);
      return {};
    },
  });
  return { weights: result.weights, measures };
}

/** Measures with weights that have settled with both attentions. */
async function settle(measurement: Measurement, weights: Weights): Promise<LayerMeasures> {
  const { options, pair, engine, context } = measurement;
  const { auto, from, seed } = options;
  const model = mixedModel(pair);
  const trained = trainedParameters(model.parameters());
  let measures: LayerMeasures | undefined;
  const training = { ...auto, ...auto.settle, from, keep: 'last' as const, seed };
  await trainWeights(engine, training, context, weights, {
    step: 'convert/swap settle',
    parameters: pair.student.parameters(),
    stages: [{ from: 0, objective: languageModelObjective(model), trained }],
    trained,
    open: blockData(training, context, pair.student),
    resumeFolder: SETTLE_FOLDER,
    provenance: {},
    async measure(_, variables) {
      measures = await measure(measurement, variables);
      return {};
    },
  });
  return measures!;
}

const measure = (
  { options: { auto }, pair, engine, reader, context }: Measurement,
  variables: Variables,
): Promise<LayerMeasures> => {
  const options = { batch: auto.batch, block: auto.block, batches: auto.measure.batches };
  return measureLayers(engine, variables, reader, pair, options, context);
};

/**
 * Converts a model where it costs least.
 *
 * @param weights of the model before
 * @param seed of what is drawn
 */
export async function swapAuto(
  options: AutoSwapOptions,
  config: LmConfig,
  weights: Weights,
  seed: number,
  context: StepContext,
): Promise<AutoResult> {
  const { auto, attention } = options;
  const before = buildLanguageModel(config, context);
  const layers = measurableLayers(before, attention.use);
  const student = swapAttention(config, attention, layers, context);
  const { bytes, fixed } = layerBytes(before, student, layers);
  checkBudget(auto.budget, bytes, fixed);
  const all = swapWeights({ before, after: student, layers, weights, seed });
  const drawn = new Set(all.drawn);
  const own = student.parameters().filter(({ name }) => drawn.has(name));
  const engine = await context.create('engine', context.engineSpec).open();
  const reader = openSplit(context, auto.data, auto.measure.split);
  try {
    const measurement: Measurement = {
      options,
      pair: { student, teacher: before, layers, own },
      engine,
      reader,
      context,
    };
    const transferred = await transfer(measurement, all.weights);
    const measures = transferred.measures ?? (await settle(measurement, transferred.weights));
    const kept = chooseKept(measures, auto.budget, bytes, fixed);
    const chosen = layers.filter((layer) => !kept.includes(layer));
    const plan = measuredPlan(
      config.attention.map(({ use }, layer) => ({
        layer,
        attention: chosen.includes(layer) ? attention.use : use,
        swapped: false,
        reason: 'not measured: it has no attention that auto could convert',
      })),
      measures,
      kept,
    );
    const after = swapAttention(config, attention, chosen, context);
    const swapped = swapWeights({ before, after, layers: chosen, weights, seed });
    // What the transfer has taught the new feature maps stays.
    for (const name of swapped.drawn) swapped.weights[name] = transferred.weights[name]!;
    return { ...swapped, plan, measures };
  } finally {
    reader.close();
    await engine.dispose();
  }
}
