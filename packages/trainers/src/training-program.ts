/**
 * One optimizer step as compiled programs: forward, backward, clipping and update in one graph. With gradient accumulation
 * there are two: one adds a batch's gradients to variables, the other applies and clears them.
 */
import type { CompiledProgram, Engine, HostArray, TensorSpec, Variables } from '@t2r/engine';
import type { LanguageModel } from '@t2r/models';
import * as tf from '@tensorflow/tfjs-core';
import type { Optimizer } from './optimizer.js';
import { applyGradients, gradientName, gradientVariables, lossAndGradients } from './training-graph.js';

/** Inputs and next-token targets of one batch, [batch, block] row-major. */
export interface TokenBatch {
  inputs: Int32Array;
  targets: Int32Array;
}

export interface TrainingProgramOptions {
  model: LanguageModel;
  optimizer: Optimizer;
  /** Sequences in a batch. */
  batch: number;
  /** Tokens in a sequence. */
  block: number;
  /** Batches whose mean gradient makes one optimizer step. */
  accumulate: number;
  /** Largest global gradient norm; 0 = no clipping. */
  clip: number;
  labelSmoothing: number;
  /** Seed of the dropout masks. */
  seed: number;
}

export interface StepOutcome {
  /** Mean training loss in nats a token, smoothing included. */
  loss: number;
  /** Norm of the mean gradient before clipping. */
  gradientNorm: number;
}

export interface TrainingProgram {
  /**
   * Runs optimizer step `step` (from 0) with learning rate `rate`. `batchAt(i)` gives batch number i of the run; step s
   * takes batches s * accumulate to (s + 1) * accumulate - 1.
   */
  run(step: number, rate: number, batchAt: (index: number) => TokenBatch): Promise<StepOutcome>;
  dispose(): Promise<void>;
}

/** Scalar inputs of the optimizer and the arrays they are fed from, reused at every step. */
function scalarFeeds(optimizer: Optimizer) {
  const specs: Record<string, TensorSpec> = {};
  const feeds: Record<string, HostArray> = {};
  for (const name of optimizer.scalars) {
    specs[name] = { shape: [] };
    feeds[name] = new Float32Array(1);
  }
  const set = (step: number, rate: number) => {
    const values = optimizer.scalarsAt(step, rate);
    for (const name of optimizer.scalars) feeds[name]![0] = values[name]!;
  };
  return { specs, feeds, set };
}

const batchSpecs = (batch: number, block: number): Record<string, TensorSpec> => ({
  inputs: { shape: [batch, block], dtype: 'int32' },
  targets: { shape: [batch, block], dtype: 'int32' },
});

async function compileWhole(
  engine: Engine,
  variables: Variables,
  { model, optimizer, batch, block, clip, labelSmoothing, seed }: TrainingProgramOptions,
): Promise<TrainingProgram> {
  const scalars = scalarFeeds(optimizer);
  const program = await engine.compile({
    name: 'train',
    inputs: { ...batchSpecs(batch, block), ...scalars.specs },
    variables,
    seed,
    program: (inputs, values, dropout) => {
      const { loss, gradients } = lossAndGradients(model, labelSmoothing, inputs, values, dropout);
      const { norm, updates } = applyGradients(model, optimizer, { accumulate: 1, clip }, inputs, values, gradients);
      return { outputs: { loss, norm }, updates };
    },
  });
  const feeds = { ...scalars.feeds };
  return {
    async run(step, rate, batchAt) {
      scalars.set(step, rate);
      Object.assign(feeds, batchAt(step));
      const { loss, norm } = await program.run(feeds, { step });
      return { loss: loss![0]!, gradientNorm: norm![0]! };
    },
    dispose: () => program.dispose(),
  };
}

async function compileAccumulating(
  engine: Engine,
  variables: Variables,
  { model, optimizer, batch, block, accumulate, clip, labelSmoothing, seed }: TrainingProgramOptions,
): Promise<TrainingProgram> {
  const names = model.parameters().map(({ name }) => name);
  for (const [name, value] of Object.entries(gradientVariables(model))) variables.add(name, value);
  const gather: CompiledProgram = await engine.compile({
    name: 'accumulate',
    inputs: batchSpecs(batch, block),
    variables,
    seed,
    program: (inputs, values, dropout) => {
      const { loss, gradients } = lossAndGradients(model, labelSmoothing, inputs, values, dropout);
      const sums = names.map((name, i) => [gradientName(name), tf.add(values[gradientName(name)]!, gradients[i]!)]);
      return { outputs: { loss }, updates: Object.fromEntries(sums) };
    },
  });
  const scalars = scalarFeeds(optimizer);
  const update = await engine.compile({
    name: 'update',
    inputs: scalars.specs,
    variables,
    program: (inputs, values) => {
      const gradients = names.map((name) => values[gradientName(name)]!);
      const { norm, updates } = applyGradients(model, optimizer, { accumulate, clip }, inputs, values, gradients);
      for (const [i, name] of names.entries()) updates[gradientName(name)] = tf.zerosLike(gradients[i]!);
      return { outputs: { norm }, updates };
    },
  });
  return {
    async run(step, rate, batchAt) {
      let total = 0;
      for (let index = step * accumulate; index < (step + 1) * accumulate; index++) {
        const { inputs, targets } = batchAt(index);
        // Every batch has dropout masks of its own: its number stands in for the step.
        const { loss } = await gather.run({ inputs, targets }, { step: index });
        total += loss![0]!;
      }
      scalars.set(step, rate);
      const { norm } = await update.run(scalars.feeds);
      return { loss: total / accumulate, gradientNorm: norm![0]! };
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
