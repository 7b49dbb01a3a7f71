/** What all training steps do: open engine, data and checkpoint, train, and write the checkpoint that follows. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSeed, type StepContext, type StepResult, UserError, writeJsonAtomic } from '@t2r/core';
import { createBlocks, openTokens, type TokenReader, type TokensData } from '@t2r/datasets';
import type { Engine, HostTensor, Variables } from '@t2r/engine';
import { buildLanguageModel, buildModel, type LanguageModel, type ModelConfig, type Weights } from '@t2r/models';
import { type Checkpoint, checkpointConfig, loadCheckpoint, saveCheckpoint } from '@t2r/zoo';
import { compileEvaluation } from './evaluation.js';
import { type FitResult, fit } from './fit.js';
import { learningRates } from './learning-rates.js';
import type { Adapters } from './lora.js';
import type { Objective } from './objective.js';
import type { ParameterGroup, TrainedParameter } from './parameter-patterns.js';
import { stagedProgram } from './staged-program.js';
import { checkBlock } from './train-plan.js';
import { slotVariables } from './training-graph.js';
import type { TrainingOptions } from './training-options.js';
import { compileTraining } from './training-program.js';

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

/** What a step trains, and how. */
export interface TrainingTask {
  /** Component name of the step; enters its seeds and the checkpoint's provenance. */
  step: string;
  /** The model that is evaluated and left as the result. */
  model: LanguageModel;
  stages: readonly Stage[];
  /** Everything that any stage trains. */
  trained: readonly TrainedParameter[];
  /** Learning rates of their own. */
  groups?: readonly ParameterGroup[];
  /** Matrices trained through adapters. */
  adapters?: Adapters;
  /** Variables besides the checkpoint's weights, such as a teacher's. */
  constants?: Record<string, HostTensor>;
  /** Folder for checkpoints to go on from, within the step's own; a step with several runs has one for each. */
  resumeFolder?: string;
  /** What of the options the checkpoint should tell. */
  provenance: Record<string, unknown>;
  /** Called with the trained variables still in place, for measurements of the step's own. */
  measure?(engine: Engine, variables: Variables): Promise<Record<string, number>>;
}

/** The checkpoint of an input, checked against the data that is to be trained on. */
export async function loadSource(options: TrainingOptions, context: StepContext): Promise<Checkpoint> {
  const checkpoint = await loadModel(context.input(options.from).folder, context);
  const { model } = checkpoint.config;
  const { vocab } = context.input(options.data).data as TokensData;
  if (vocab !== model.vocab)
    throw new UserError(`the model has ${model.vocab} tokens, the data of step ${options.data.step} has ${vocab}`, {
      hint: 'Use the tokenizer that the model was made with.',
    });
  checkBlock(options.block, model);
  return checkpoint;
}

/** A checkpoint, its tensors checked against the model that its configuration describes. */
export const loadModel = (folder: string, context: StepContext): Promise<Checkpoint> =>
  loadCheckpoint(folder, { parameters: (config) => buildLanguageModel(config, context).parameters() });

/** The same of a model of any kind. */
export async function loadAnyModel(folder: string, context: StepContext): Promise<Checkpoint<ModelConfig>> {
  const { use } = (await checkpointConfig(folder)).model;
  return loadCheckpoint(folder, { use, parameters: (config) => buildModel(config, context).parameters() });
}

/** Opens a split of the data that a training step names. */
export function openSplit(context: StepContext, data: TrainingOptions['data'], split: string): TokenReader {
  const artifact = context.input(data);
  return openTokens(artifact.folder, artifact.data as TokensData, split);
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

/** Trains a checkpoint's weights in memory and gives them back; interrupted, it goes on from the context's folder. */
export async function trainWeights(
  engine: Engine,
  options: TrainingOptions,
  context: StepContext,
  weights: Weights,
  { step, model, stages, trained, groups, adapters, constants, resumeFolder = RESUME_FOLDER, measure }: TrainingTask,
): Promise<FitResult & { weights: Weights }> {
  const { batch, block, accumulate, clip, order } = options;
  const seedFor = (use: string) => deriveSeed(context.seed, options.seed, step, use);
  const optimizer = context.create('optimizer', options.optimizer);
  const parameters = trained.map(({ name }) => name);
  const slots = slotVariables(trained, optimizer);
  const variables = engine.variables({
    ...weights,
    ...adapters?.initial(seedFor('adapters')),
    ...slots,
    ...constants,
  });
  const program = stagedProgram(
    stages.map(({ from, objective, trained: ofStage }) => ({
      from,
      compile: () =>
        compileTraining(engine, variables, {
          objective,
          trained: ofStage,
          optimizer,
          batch,
          block,
          accumulate,
          clip,
          seed: seedFor('dropout'),
        }),
    })),
  );
  const reader = openSplit(context, options.data, options.split);
  const blocks = createBlocks(reader, { block, batch, seed: seedFor('order'), order });
  const buffer = { inputs: new Int32Array(batch * block), targets: new Int32Array(batch * block) };
  const held = options.evaluate && openSplit(context, options.data, options.evaluate.split);
  const evaluation =
    held && options.evaluate
      ? {
          ...(await compileEvaluation(engine, variables, held, {
            model,
            batch,
            block,
            batches: options.evaluate.batches,
            parameters: adapters?.apply,
          })),
          every: options.evaluate.every,
        }
      : undefined;
  try {
    const result = await fit({
      program,
      variables,
      parameters,
      resumable: [...parameters, ...Object.keys(slots)],
      ratesAt: learningRates(options.schedule, groups, options.steps, context),
      batchAt: (index) => blocks.batch(index, buffer),
      steps: options.steps,
      tokensPerStep: batch * block * accumulate,
      evaluation,
      keep: options.keep,
      folder: join(context.folder, resumeFolder),
      saveEvery: options.save?.every,
      signal: context.signal,
      events: context.events,
    });
    const read = (name: string) => variables.read(name) as Float32Array;
    const own: Weights = {};
    for (const { name, shape } of model.parameters()) own[name] = { shape, data: read(name) };
    const measured = await measure?.(engine, variables);
    return {
      ...result,
      metrics: { ...result.metrics, ...measured },
      weights: adapters ? adapters.merge(own, read) : own,
    };
  } finally {
    await program.dispose();
    await evaluation?.dispose();
    variables.dispose();
    reader.close();
    held?.close();
  }
}

/**
 * Trains (or resumes training) and leaves a checkpoint folder with training.json beside the weights.
 *
 * @param prepare says what to train, given the checkpoint to start from; not called when there is nothing left to do
 */
export async function runTraining(
  options: TrainingOptions,
  context: StepContext,
  prepare: (checkpoint: Checkpoint) => Promise<TrainingTask>,
): Promise<StepResult> {
  const finished = await finishedResult(context);
  if (finished !== undefined) return { metrics: finished.metrics, data: { curves: finished.curves } };

  const checkpoint = await loadSource(options, context);
  const task = await prepare(checkpoint);
  const engine = await context.create('engine', context.engineSpec).open();
  try {
    const { metrics, curves, weights } = await trainWeights(engine, options, context, checkpoint.weights, task);
    await saveCheckpoint(context.folder, {
      config: {
        ...checkpoint.config,
        provenance: { step: task.step, from: context.input(options.from).key, ...task.provenance },
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
