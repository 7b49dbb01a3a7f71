/**
 * One optimizer step as compiled programs: forward, backward, clipping and update in one graph. With gradient accumulation
 * there are two: one adds a batch's gradients to variables, the other updates the parameters from the sums.
 */
import type { Batch } from '@t2r/datasets';
import type { Engine, HostArray, TensorMap, TensorSpec, Variables } from '@t2r/engine';
import * as tf from '@tensorflow/tfjs-core';
import type { Objective } from './objective.js';
import type { Optimizer } from './optimizer.js';
import type { TrainedParameter } from './parameter-patterns.js';
import { applyGradients, gradientName, gradientVariables, lossAndGradients, scalarName } from './training-graph.js';

export interface TrainingProgramOptions {
  objective: Objective;
  /** The parameters that are trained; the others stay as they are. */
  trained: readonly TrainedParameter[];
  optimizer: Optimizer;
  /** Sequences in a batch. */
  batch: number;
  /** Tokens in a sequence. */
  block: number;
  /** Batches whose mean gradient makes one optimizer step. */
  accumulate: number;
  /** Largest global gradient norm; 0 = no clipping. */
  clip: number;
  /** Seed of the dropout masks. */
  seed: number;
}

export interface StepOutcome {
  /** Mean loss of the objective; of a language model in nats a token, smoothing included. */
  loss: number;
  /** Norm of the mean gradient before clipping. */
  gradientNorm: number;
  /** Time inside the engine; the rest of a step is the host's overhead. */
  seconds: number;
}

export interface TrainingProgram {
  /**
   * Runs optimizer step `step` (from 0) with a learning rate for each group of parameters. `batchAt(i)` gives batch number i
   * of the run; step s takes batches s * accumulate to (s + 1) * accumulate - 1.
   */
  run(step: number, rates: readonly number[], batchAt: (index: number) => Batch): Promise<StepOutcome>;
  dispose(): Promise<void>;
}

/** Scalar inputs of the optimizer, for each group of parameters, and the arrays they are fed from, reused at every step. */
function scalarFeeds(optimizer: Optimizer, trained: readonly TrainedParameter[]) {
  const groups = [...new Set(trained.map(({ group }) => group))];
  const specs: Record<string, TensorSpec> = {};
  const feeds: Record<string, HostArray> = {};
  for (const group of groups)
    for (const name of optimizer.scalars) {
      specs[scalarName(name, group)] = { shape: [] };
      feeds[scalarName(name, group)] = new Float32Array(1);
    }
  const set = (step: number, rates: readonly number[]) => {
    for (const group of groups) {
      const values = optimizer.scalarsAt(step, rates[group]!);
      for (const name of optimizer.scalars) feeds[scalarName(name, group)]![0] = values[name]!;
    }
  };
  return { specs, feeds, set };
}

/** Adds up the time that runs of programs take. */
function stopwatch() {
  let milliseconds = 0;
  return {
    async time<T>(run: () => Promise<T>): Promise<T> {
      const started = performance.now();
      const result = await run();
      milliseconds += performance.now() - started;
      return result;
    },
    seconds: () => milliseconds / 1000,
  };
}

const batchSpecs = (batch: number, block: number): Record<string, TensorSpec> => ({
  inputs: { shape: [batch, block], dtype: 'int32' },
  targets: { shape: [batch, block], dtype: 'int32' },
});

async function compileWhole(
  engine: Engine,
  variables: Variables,
  { objective, trained, optimizer, batch, block, clip, seed }: TrainingProgramOptions,
): Promise<TrainingProgram> {
  const scalars = scalarFeeds(optimizer, trained);
  const program = await engine.compile({
    name: 'train',
    inputs: { ...batchSpecs(batch, block), ...scalars.specs },
    variables,
    seed,
    program: (inputs, values, dropout) => {
      const { loss, gradients } = lossAndGradients(objective, trained, inputs, values, dropout);
      const { norm, updates } = applyGradients(trained, optimizer, { accumulate: 1, clip }, inputs, values, gradients);
      return { outputs: { loss, norm }, updates };
    },
  });
  const feeds = { ...scalars.feeds };
  return {
    async run(step, rates, batchAt) {
      scalars.set(step, rates);
      Object.assign(feeds, batchAt(step));
      const clock = stopwatch();
      const { loss, norm } = await clock.time(() => program.run(feeds, { step }));
      return { loss: loss![0]!, gradientNorm: norm![0]!, seconds: clock.seconds() };
    },
    dispose: () => program.dispose(),
  };
}

async function compileAccumulating(
  engine: Engine,
  variables: Variables,
  { objective, trained, optimizer, batch, block, accumulate, clip, seed }: TrainingProgramOptions,
): Promise<TrainingProgram> {
  const names = trained.map(({ name }) => name);
  for (const [name, value] of Object.entries(gradientVariables(trained)))
    if (!variables.has(name)) variables.add(name, value);
  const gather = await engine.compile({
    name: 'accumulate',
    inputs: { ...batchSpecs(batch, block), carry: { shape: [] } },
    variables,
    seed,
    program: (inputs, values, dropout) => {
      const { loss, gradients } = lossAndGradients(objective, trained, inputs, values, dropout);
      const updates: TensorMap = {};
      names.forEach((name, i) => {
        const sum = tf.mul(values[gradientName(name)]!, inputs.carry!);
        updates[gradientName(name)] = tf.add(sum, gradients[i]!);
      });
      return { outputs: { loss }, updates };
    },
  });
  const scalars = scalarFeeds(optimizer, trained);
  const update = await engine.compile({
    name: 'update',
    inputs: scalars.specs,
    variables,
    program: (inputs, values) => {
      const gradients = names.map((name) => values[gradientName(name)]!);
      const { norm, updates } = applyGradients(trained, optimizer, { accumulate, clip }, inputs, values, gradients);
      return { outputs: { norm }, updates };
    },
  });
  const feeds = { carry: new Float32Array(1) };
  return {
    async run(step, rates, batchAt) {
      let total = 0;
      const clock = stopwatch();
      for (let index = step * accumulate; index < (step + 1) * accumulate; index++) {
        Object.assign(feeds, batchAt(index));
        // The first batch of a step overwrites the sums of the step before.
        feeds.carry[0] = index === step * accumulate ? 0 : 1;
        // Every batch has dropout masks of its own: its number stands in for the step.
        const { loss } = await clock.time(() => gather.run(feeds, { step: index }));
        total += loss![0]!;
      }
      scalars.set(step, rates);
      const { norm } = await clock.time(() => update.run(scalars.feeds));
      return { loss: total / accumulate, gradientNorm: norm![0]!, seconds: clock.seconds() };
    },
    async dispose() {
      await gather.dispose();
      await update.dispose();
    },
  };
}

/** Compiles a training step over `variables`, which hold the model's parameters and the optimizer's slots. */
export function compileTraining(
  engine: Engine,
  variables: Variables,
  options: TrainingProgramOptions,
): Promise<TrainingProgram> {
  return (options.accumulate === 1 ? compileWhole : compileAccumulating)(engine, variables, options);
}
