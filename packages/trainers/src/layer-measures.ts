/**
 * What it costs to convert each layer of a model: how far its new attention is from the old one, and how much the loss of the
 * whole model rises where only this layer is converted, or falls where only this layer is not.
 */

import type { CreateContext } from '@t2r/core';
import { evaluationWindows, type TokenReader } from '@t2r/datasets';
import type { Engine, TensorMap, Variables } from '@t2r/engine';
import { buildLanguageModel, type LanguageModel } from '@t2r/models';
import { compileEvaluation } from './evaluation.js';
import type { Imitation } from './imitation.js';
import { observeAttention, outputError } from './transfer-objective.js';

/** Measures of one layer; losses in nats a token. */
export interface LayerMeasure {
  layer: number;
  /** mean (y - t)^2 / mean t^2 of attention outputs on the old model's inputs. */
  outputError: number;
  /** Rise of the loss with this layer alone converted. */
  alone: number;
  /** Fall of the loss, from that with all layers converted, when this layer keeps its old attention. */
  kept: number;
}

export interface LayerMeasures {
  /** Loss before any conversion. */
  before: number;
  /** Loss with all layers converted. */
  converted: number;
  layers: LayerMeasure[];
}

export interface MeasureOptions {
  batch: number;
  block: number;
  /** Held-out batches. */
  batches: number;
}

/** The relative output error of every imitating layer, over some batches of held-out text. */
async function outputErrors(
  engine: Engine,
  variables: Variables,
  reader: TokenReader,
  { student, teacher, layers }: Imitation,
  { batch, block, batches }: MeasureOptions,
): Promise<number[]> {
  const program = await engine.compile({
    name: 'output-errors',
    inputs: { inputs: { shape: [batch, block], dtype: 'int32' } },
    variables,
    program: ({ inputs }, values: TensorMap) => {
      const seen = observeAttention(teacher, inputs!, values);
      return {
        outputs: Object.fromEntries(
          layers.map((layer) => [`layer${layer}`, outputError(student, layer, seen[layer]!, values)]),
        ),
      };
    },
  });
  try {
    const windows = evaluationWindows(reader.length, { window: block });
    // Only whole batches of whole windows: padding would count as text.
    const whole = Math.min(batches, Math.floor((windows.length - 1) / batch));
    const sums = layers.map(() => 0);
    const inputs = new Int32Array(batch * block);
    for (let index = 0; index < whole; index++) {
      for (let row = 0; row < batch; row++)
        reader.read(windows[index * batch + row]!.start, block, inputs, row * block);
      const outputs = await program.run({ inputs });
      layers.forEach((layer, i) => {
        sums[i]! += outputs[`layer${layer}`]![0]!;
      });
    }
    return sums.map((sum) => sum / whole);
  } finally {
    await program.dispose();
  }
}

/**
 * Measures every layer in which teacher and student differ.
 *
 * @param variables the student's parameters
 * @param reader held-out text
 * @throws what `signal` was aborted with
 */
export async function measureLayers(
  engine: Engine,
  variables: Variables,
  reader: TokenReader,
  pair: Imitation,
  options: MeasureOptions,
  context: CreateContext & { signal: AbortSignal },
): Promise<LayerMeasures> {
  const { student, teacher, layers } = pair;
  const lossOf = async (model: LanguageModel): Promise<number> => {
    const evaluation = await compileEvaluation(engine, variables, reader, { model, ...options });
    try {
      const perplexity = await evaluation.perplexity(context.signal);
      if (perplexity === undefined) throw context.signal.reason;
      return Math.log(perplexity);
    } finally {
      await evaluation.dispose();
    }
  };
  /** The model with the new attention in some layers only. */
  const withNew = (chosen: readonly number[]) =>
    buildLanguageModel(
      {
        ...student.config,
        attention: student.config.attention.map((spec, layer) =>
          chosen.includes(layer) ? spec : teacher.config.attention[layer]!,
        ),
      },
      context,
    );
  const errors = await outputErrors(engine, variables, reader, pair, options);
  const before = await lossOf(teacher);
  const converted = await lossOf(student);
  const measures: LayerMeasure[] = [];
  for (const [i, layer] of layers.entries()) {
    const alone = (await lossOf(withNew([layer]))) - before;
    const kept = converted - (await lossOf(withNew(layers.filter((other) => other !== layer))));
    measures.push({ layer, outputError: errors[i]!, alone, kept });
  }
  return { before, converted, layers: measures };
}
