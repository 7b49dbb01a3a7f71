/** Training cases: optimizer steps (Adam) of a causal language model, their time and memory, and how memory keeps over many. */
import { type Attention, softmaxAttention } from '@t2r/attention';
import { createRandom } from '@t2r/core';
import type { Engine, Precision } from '@t2r/engine';
import { garbageCollector, median } from '@t2r/evaluators';
import { initialWeights, parameterCount } from '@t2r/models';
import {
  createAdam,
  createTrainingProgram,
  languageModelObjective,
  lossScaleVariables,
  slotVariables,
  type TrainingProgram,
  trainedParameters,
  trainingMemory,
} from '@t2r/trainers';
import type { BenchCase, Figure, Sizes } from './cases.js';
import { model, peakMemory, ranOn, t2r, timed, withEngine } from './language-models.js';

interface TrainingOptions {
  attention: Attention;
  /** Compute layers again in the backward pass. */
  recompute?: boolean;
  /** What products are computed in. Default float32. */
  precision?: Precision;
}

const trainedModel = ({ dim, heads, ffn, vocab, layers, tokens }: Sizes, attention: Attention) =>
  model(attention, { dim, heads, ffn, vocab, layers, maxPositions: tokens });

/** Peak resident set as `t2r plan` predicts it, in bytes. */
export function plannedMemory(sizes: Sizes, { attention, recompute = false }: TrainingOptions): number {
  const lm = trainedModel(sizes, attention);
  const parameters = parameterCount(lm);
  return trainingMemory({
    config: lm.config,
    batch: sizes.batch,
    block: sizes.tokens,
    parameters,
    trained: parameters,
    others: 0,
    slots: 2,
    accumulates: sizes.accumulate > 1,
    logits: true,
    recompute,
  });
}

/** A training step on random tokens; `batches` draws those of a step. */
function openTraining(engine: Engine, sizes: Sizes, { attention, recompute = false, precision }: TrainingOptions) {
  const { vocab, batch, tokens, accumulate } = sizes;
  const lm = trainedModel(sizes, attention);
  const adam = createAdam('adam', { betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, decayAll: false }, false);
  const trained = trainedParameters(lm.parameters());
  const lossScaling = precision === 'float16' ? { initial: 2 ** 12, every: 2000 } : undefined;
  const variables = engine.variables({
    ...initialWeights(lm, 1),
    ...slotVariables(trained, adam),
    ...(lossScaling && lossScaleVariables(lossScaling)),
  });
  const objective = languageModelObjective(lm, { recompute });
  const options = { objective, trained, optimizer: adam, accumulate, clip: 0, lossScaling, seed: 1 };
  const open = ({ anew = false } = {}): TrainingProgram =>
    createTrainingProgram(engine, variables, anew ? { ...options } : options);
  const random = createRandom(1, 'bench');
  const draw = () => Int32Array.from({ length: batch * tokens }, () => random.integer(vocab));
  const spec = { shape: [batch, tokens], dtype: 'int32' as const };
  const one = () => ({
    arrays: { inputs: draw(), targets: draw() },
    specs: { inputs: spec, targets: spec },
    tokens: batch * tokens,
  });
  return { open, lm, batches: () => Array.from({ length: accumulate }, one) };
}

const train = (name: string, options: (sizes: Sizes) => TrainingOptions): BenchCase =>
  async function* (sizes, { provider, precision }) {
    const { batch, tokens, accumulate, threads, steps } = sizes;
    yield await withEngine({ threads, provider }, async (engine): Promise<Figure> => {
      const { open, lm, batches } = openTraining(engine, sizes, { ...options(sizes), precision });
      const program = open();
      const fed = batches();
      let step = 0;
      let compileMs = 0;
      let inside = 0;
      const { ms, min_ms } = await timed(
        async () => {
          const { seconds, compileSeconds } = await program.run(step++, [1e-3], fed);
          inside += seconds;
          compileMs += compileSeconds * 1000;
        },
        2,
        steps,
      );
      const peak = peakMemory();
      // The same structure again: from the same definition, and from one built anew, which is traced and encoded to find its session.
      const again = await open().run(step, [1e-3], fed);
      const anew = await open({ anew: true }).run(step + 1, [1e-3], fed);
      return {
        case: name,
        ...ranOn({ provider, precision }),
        threads,
        layers: sizes.layers,
        dim: sizes.dim,
        parameters: parameterCount(lm),
        batch,
        tokens,
        ms,
        min_ms,
        tokens_per_s: (batch * tokens * accumulate) / (ms / 1000),
        host_share: Math.max(0, 1 - (inside * 1000) / step / ms),
        compile_ms: compileMs,
        recompile_ms: again.compileSeconds * 1000,
        retrace_ms: anew.compileSeconds * 1000,
        planned_rss_bytes: plannedMemory(sizes, options(sizes)),
        peak_rss_bytes: peak,
      };
    });
  };

/** Steps of the drift case between two looks at memory. */
const LOOK_EVERY = 20;

/** Memory over many steps on new data (`--steps 2000`): the last tenth against the tenth after the first fifth. */
const drift: BenchCase = async function* (sizes, { provider, precision }) {
  const { batch, tokens, threads, steps } = sizes;
  yield await withEngine({ threads, provider }, async (engine): Promise<Figure> => {
    const { open, batches } = openTraining(engine, sizes, { attention: softmaxAttention(), precision });
    const program = open();
    const collect = garbageCollector();
    const looks: { step: number; heap: number; rss: number }[] = [];
    const times: number[] = [];
    for (let step = 0; step < steps; step++) {
      const started = performance.now();
      await program.run(step, [1e-3], batches());
      times.push(performance.now() - started);
      if ((step + 1) % LOOK_EVERY !== 0) continue;
      collect();
      const { heapUsed, external, rss } = process.memoryUsage();
      looks.push({ step, heap: heapUsed + external, rss });
    }
    const change = (of: 'heap' | 'rss') => {
      const between = (from: number, to: number) =>
        median(looks.filter(({ step }) => step >= from * steps && step < to * steps).map((look) => look[of]));
      return between(0.9, 1) / between(0.2, 0.3) - 1;
    };
    const ms = median(times);
    return {
      case: 'train-drift',
      ...ranOn({ provider, precision }),
      threads,
      steps,
      ms,
      min_ms: Math.min(...times),
      tokens_per_s: (batch * tokens) / (ms / 1000),
      heap_drift: change('heap'),
      rss_drift: change('rss'),
      rss_bytes: looks.at(-1)!.rss,
      heap_bytes: looks.at(-1)!.heap,
      peak_rss_bytes: peakMemory(),
    };
  });
};

/** What is trained, by the name of the case. */
export const TRAINED_ATTENTION = {
  train: () => softmaxAttention(),
  'train-t2r': ({ features }) => t2r(features),
  'train-t2r-quadratic': ({ features }) => t2r(features, 'quadratic'),
  'train-t2r-chunked': ({ features }) => t2r(features, 'chunked'),
} satisfies Record<string, (sizes: Sizes) => Attention>;

/** Cases by name. */
export const TRAINING_CASES: Record<string, BenchCase> = {
  ...Object.fromEntries(
    Object.entries(TRAINED_ATTENTION).map(([name, attention]) => [
      name,
      train(name, (sizes) => ({ attention: attention(sizes) })),
    ]),
  ),
  'train-recompute': train('train-recompute', () => ({ attention: softmaxAttention(), recompute: true })),
  'train-drift': drift,
};
