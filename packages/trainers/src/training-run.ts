/** What all training steps do: open the engine, train a checkpoint's weights, and write the checkpoint that follows. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSeed, type StepContext, type StepReference, type StepResult, writeJsonAtomic } from '@t2r/core';
import type { Engine, HostTensor, Variables } from '@t2r/engine';
import type { ModelConfig, Weights } from '@t2r/models';
import { type Checkpoint, saveCheckpoint } from '@t2r/zoo';
import type { BatchSource } from './batches.js';
import type { HeldOut } from './evaluation.js';
import { type FitResult, fit } from './fit.js';
import type { Choice } from './kept-weights.js';
import { learningRates } from './learning-rates.js';
import type { Adapters } from './lora.js';
import { lossScaleVariables } from './loss-scale.js';
import type { Objective } from './objective.js';
import type { ParameterGroup, ParameterSpec, TrainedParameter } from './parameter-patterns.js';
import { lossScalingOf } from './precision.js';
import { stagedProgram } from './staged-program.js';
import { slotVariables } from './training-graph.js';
import type { LoopOptions } from './training-options.js';
import { createTrainingProgram } from './training-program.js';

/** Written last: a run that finds it has only to report. */
const RESULT_FILE = 'training.json';
/** Holds checkpoints to go on from while a step trains. */
export const RESUME_FOLDER = 'resume';
/** The same for the second training run of an automatic plan. */
export const SETTLE_FOLDER = 'resume-settle';

/** A stretch of a training run with one objective. */
export interface Stage {
  /** Optimizer step it begins at; the first stage's is 0. */
  from: number;
  objective: Objective;
  /** What it trains. */
  trained: readonly TrainedParameter[];
}

/** Opened with the variables of a run: what it is trained and evaluated on. */
export interface TrainingData {
  source: BatchSource;
  evaluation?: HeldOut;
  close(): Promise<void>;
}

/** What a step trains, and how. */
export interface TrainingTask {
  /** Component name of the step; enters its seeds and the checkpoint's provenance. */
  step: string;
  /** Parameters of the model that is left as the result. */
  parameters: readonly ParameterSpec[];
  stages: readonly Stage[];
  /** Everything that any stage trains. */
  trained: readonly TrainedParameter[];
  /** Opens the data; `seedFor` gives the run's seed of a use, such as the order of batches. */
  open(engine: Engine, variables: Variables, seedFor: (use: string) => number): Promise<TrainingData>;
  /** Learning rates of their own. */
  groups?: readonly ParameterGroup[];
  /** Matrices trained through adapters. */
  adapters?: Adapters;
  /** Variables besides the checkpoint's weights, such as a teacher's. */
  constants?: Record<string, HostTensor>;
  /** Whose weights are the result; default: what `keep` says. */
  choice?: Choice;
  /** Folder for checkpoints to go on from, within the step's own; a step with several runs has one for each. */
  resumeFolder?: string;
  /** What of the options the checkpoint should tell. */
  provenance: Record<string, unknown>;
  /** Called with the trained variables still in place, for measurements of the step's own. */
  measure?(engine: Engine, variables: Variables): Promise<Record<string, number>>;
}

/** The result of an earlier run that was killed between its last write and the end of the step. */
async function finishedResult({ folder, events }: StepContext): Promise<FitResult | undefined> {
  const path = join(folder, RESULT_FILE);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as FitResult;
  } catch {
    events.warn(`${path} is damaged; training again`);
    return undefined;
  }
}

/** The optimizer steps of a run: given, or so many passes over the data. */
function stepsOf({ steps, epochs }: LoopOptions, accumulate: number, { batchesPerEpoch }: BatchSource): number {
  if (steps !== undefined) return steps;
  if (epochs === undefined || batchesPerEpoch === undefined) throw new Error('the run has neither steps nor epochs');
  return Math.max(1, Math.round((epochs * batchesPerEpoch) / accumulate));
}

/** Trains a checkpoint's weights in memory and gives them back; interrupted, it goes on from the context's folder. */
export async function trainWeights(
  engine: Engine,
  options: LoopOptions,
  context: StepContext,
  weights: Weights,
  task: TrainingTask,
): Promise<FitResult & { weights: Weights }> {
  const { step, stages, trained, adapters, resumeFolder = RESUME_FOLDER } = task;
  const { accumulate, clip, evaluate } = options;
  const seedFor = (use: string) => deriveSeed(context.seed, options.seed, step, use);
  const optimizer = context.create('optimizer', options.optimizer);
  const parameters = trained.map(({ name }) => name);
  const slots = slotVariables(trained, optimizer);
  const lossScaling = lossScalingOf(options);
  const scales = lossScaling === undefined ? {} : lossScaleVariables(lossScaling);
  const variables = engine.variables({
    ...weights,
    ...adapters?.initial(seedFor('adapters')),
    ...slots,
    ...scales,
    ...task.constants,
  });
  const { source, evaluation, close } = await task.open(engine, variables, seedFor);
  const program = stagedProgram(
    stages.map(({ from, objective, trained: ofStage }) => ({
      from,
      create: () =>
        createTrainingProgram(engine, variables, {
          objective,
          trained: ofStage,
          optimizer,
          accumulate,
          uniform: source.uniform,
          clip,
          lossScaling,
          seed: seedFor('dropout'),
        }),
    })),
  );
  const steps = stepsOf(options, accumulate, source);
  try {
    const result = await fit({
      program,
      variables,
      parameters,
      resumable: [...parameters, ...Object.keys(slots), ...Object.keys(scales)],
      ratesAt: learningRates(options.schedule, task.groups, steps, context),
      batchesAt: (at) => Array.from({ length: accumulate }, (_, i) => source.batch(at * accumulate + i)),
      steps,
      evaluation: evaluation && evaluate && { ...evaluation, every: evaluate.every },
      patience: options.patience,
      choice: task.choice ?? (options.keep === 'best' ? { of: 'best', count: 1 } : undefined),
      folder: join(context.folder, resumeFolder),
      saveEvery: options.save?.every,
      signal: context.signal,
      events: context.events,
    });
    const read = (name: string) => variables.read(name) as Float32Array;
    const own: Weights = {};
    for (const { name, shape } of task.parameters) own[name] = { shape, data: read(name) };
    const measured = await task.measure?.(engine, variables);
    return {
      ...result,
      metrics: { ...result.metrics, ...measured },
      weights: adapters ? adapters.merge(own, read) : own,
    };
  } finally {
    await program.dispose();
    await close();
    variables.dispose();
  }
}

/**
 * Trains (or resumes training) and leaves a checkpoint folder with training.json beside the weights.
 *
 * @param load reads the checkpoint to start from; not called, nor is `prepare`, when there is nothing left to do
 * @param prepare says what to train
 */
export async function runTraining<C extends Checkpoint<ModelConfig>>(
  options: LoopOptions & { from: StepReference },
  context: StepContext,
  load: () => Promise<C>,
  prepare: (checkpoint: C) => TrainingTask | Promise<TrainingTask>,
): Promise<StepResult> {
  const finished = await finishedResult(context);
  if (finished !== undefined) return { metrics: finished.metrics, data: { curves: finished.curves } };

  const checkpoint = await load();
  const task = await prepare(checkpoint);
  const engine = await context.create('engine', context.engineSpec).open();
  try {
    const { metrics, curves, weights } = await trainWeights(engine, options, context, checkpoint.weights, task);
    await saveCheckpoint(context.folder, {
      config: {
        ...checkpoint.config,
        provenance: {
          step: task.step,
          from: context.input(options.from).key,
          precision: options.precision,
          ...task.provenance,
        },
      },
      weights,
      tokenizerPath: checkpoint.tokenizer,
    });
    // The result goes first: from here on a kill loses nothing, and the checkpoints have served.
    const result: FitResult = { metrics, curves };
    await writeJsonAtomic(join(context.folder, RESULT_FILE), result);
    await rm(join(context.folder, RESUME_FOLDER), { recursive: true, force: true });
    return { metrics, data: { curves } };
  } finally {
    await engine.dispose();
  }
}
