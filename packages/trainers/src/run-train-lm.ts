/** Runs `train/lm`: opens engine, data and checkpoint, trains, and writes the checkpoint that follows. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { deriveSeed, type StepContext, type StepResult, UserError, writeJsonAtomic } from '@t2r/core';
import { createBlocks, openTokens, type TokenReader, type TokensData } from '@t2r/datasets';
import type { Engine, HostTensor } from '@t2r/engine';
import { buildLanguageModel } from '@t2r/models';
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from '@t2r/zoo';
import { type Distillation, teacherVariables } from './distillation.js';
import { compileEvaluation } from './evaluation.js';
import { type FitResult, fit } from './fit.js';
import { trainedParameters } from './parameter-patterns.js';
import { checkBlock, checkTeacher } from './train-plan.js';
import type { TrainLmOptions } from './train-schema.js';
import { slotVariables } from './training-graph.js';
import { compileTraining } from './training-program.js';

/** Written last: a run that finds it has only to report. */
const RESULT_FILE = 'training.json';
const RESUME_FOLDER = 'resume';

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

/** The options that say what became of the weights. Those not given are left out of the JSON. */
const provenanceOf = ({ steps, keep, train, freeze, groups, distill }: TrainLmOptions, context: StepContext) => ({
  steps,
  keep,
  train,
  freeze,
  groups,
  distill: distill && { ...distill, teacher: context.input(distill.teacher).key },
});

function openSplit(context: StepContext, options: TrainLmOptions, split: string): TokenReader {
  const { folder, data } = context.input(options.data);
  return openTokens(folder, data as TokensData, split);
}

function checkFit(context: StepContext, options: TrainLmOptions, { config: { model } }: Checkpoint): void {
  const { vocab } = context.input(options.data).data as TokensData;
  if (vocab !== model.vocab)
    throw new UserError(`the model has ${model.vocab} tokens, the data of step ${options.data.step} has ${vocab}`, {
      hint: 'Use the tokenizer that the model was made with.',
    });
  checkBlock(options.block, model);
}

const load = (folder: string, context: StepContext): Promise<Checkpoint> =>
  loadCheckpoint(folder, { parameters: (config) => buildLanguageModel(config, context).parameters() });

interface Teacher {
  distillation: Distillation;
  variables: Record<string, HostTensor>;
}

async function loadTeacher(
  { distill, block }: TrainLmOptions,
  context: StepContext,
  student: Checkpoint,
): Promise<Teacher | undefined> {
  if (distill === undefined) return undefined;
  const { config, weights } = await load(context.input(distill.teacher).folder, context);
  checkTeacher(block, config.model, student.config.model);
  const { weight, temperature } = distill;
  return {
    distillation: { teacher: buildLanguageModel(config.model, context), weight, temperature },
    variables: teacherVariables(weights),
  };
}

async function train(
  engine: Engine,
  options: TrainLmOptions,
  context: StepContext,
  checkpoint: Checkpoint,
): Promise<FitResult & { weights: Checkpoint['weights'] }> {
  const model = buildLanguageModel(checkpoint.config.model, context);
  const optimizer = context.create('optimizer', options.optimizer);
  const schedule = context.create('schedule', options.schedule);
  const trained = trainedParameters(model.parameters(), options);
  const parameters = trained.map(({ name }) => name);
  const slots = slotVariables(trained, optimizer);
  const resumable = [...parameters, ...Object.keys(slots)];
  const initial: Record<string, HostTensor> = { ...checkpoint.weights, ...slots };
  const teacher = await loadTeacher(options, context, checkpoint);
  const variables = engine.variables({ ...initial, ...teacher?.variables });
  const seedFor = (use: string) => deriveSeed(context.seed, options.seed, 'train/lm', use);
  const { batch, block, accumulate, clip, labelSmoothing, order } = options;

  const program = await compileTraining(engine, variables, {
    model,
    trained,
    optimizer,
    batch,
    block,
    accumulate,
    clip,
    labelSmoothing,
    distillation: teacher?.distillation,
    seed: seedFor('dropout'),
  });
  const reader = openSplit(context, options, options.split);
  const blocks = createBlocks(reader, { block, batch, seed: seedFor('order'), order });
  const buffer = { inputs: new Int32Array(batch * block), targets: new Int32Array(batch * block) };
  const held = options.evaluate && openSplit(context, options, options.evaluate.split);
  const evaluation =
    held && options.evaluate
      ? {
          ...(await compileEvaluation(engine, variables, held, {
            model,
            batch,
            block,
            batches: options.evaluate.batches,
          })),
          every: options.evaluate.every,
        }
      : undefined;
  try {
    const result = await fit({
      program,
      variables,
      parameters,
      resumable,
      schedule,
      batchAt: (index) => blocks.batch(index, buffer),
      steps: options.steps,
      tokensPerStep: batch * block * accumulate,
      evaluation,
      keep: options.keep,
      folder: join(context.folder, RESUME_FOLDER),
      saveEvery: options.save?.every,
      signal: context.signal,
      events: context.events,
    });
    const weights: Checkpoint['weights'] = {};
    for (const { name, shape } of model.parameters())
      weights[name] = { shape, data: variables.read(name) as Float32Array };
    return { ...result, weights };
  } finally {
    await program.dispose();
    await evaluation?.dispose();
    variables.dispose();
    reader.close();
    held?.close();
  }
}

/** Trains (or resumes training) and leaves a checkpoint folder with training.json beside the weights. */
export async function runTrainLm(options: TrainLmOptions, context: StepContext): Promise<StepResult> {
  const finished = await finishedResult(context);
  if (finished !== undefined) return { metrics: finished.metrics, data: { curves: finished.curves } };

  const source = context.input(options.from);
  const checkpoint = await load(source.folder, context);
  checkFit(context, options, checkpoint);
  const engine = await context.create('engine', context.engineSpec).open();
  try {
    const { metrics, curves, weights } = await train(engine, options, context, checkpoint);
    await saveCheckpoint(context.folder, {
      config: {
        ...checkpoint.config,
        provenance: { step: 'train/lm', from: source.key, ...provenanceOf(options, context) },
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
