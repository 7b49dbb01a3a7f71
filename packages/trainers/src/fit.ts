/**
 * The training loop. Data, dropout and learning rate are functions of the step alone, so that a run which is interrupted
 * (by a signal or by kill -9) and goes on from a checkpoint ends with the bits an uninterrupted run ends with.
 */
import { join } from 'node:path';
import { type EventSink, type Metrics, UserError } from '@t2r/core';
import type { Batch } from '@t2r/datasets';
import type { Variables } from '@t2r/engine';
import { createClock } from './clock.js';
import type { Evaluation } from './evaluation.js';
import { loadResume, saveResume } from './resume.js';
import { initialState, meanRecentLoss, recordLoss, resultMetrics, type TrainerState } from './trainer-state.js';
import type { TrainingProgram } from './training-program.js';
import { readVariables, writeVariables } from './variables-file.js';

export interface FitOptions {
  program: TrainingProgram;
  variables: Variables;
  /** Names of the trained parameters among the variables; they are what `keep: 'best'` keeps. */
  parameters: readonly string[];
  /** Names of all variables that a resumed run needs. */
  resumable: readonly string[];
  /** Learning rate of each group of parameters at optimizer step `step`; the first is the one that is reported. */
  ratesAt(step: number): number[];
  /** Batch number `index` of the run, a pure function of it. */
  batchAt(index: number): Batch;
  steps: number;
  /** Tokens in an optimizer step, for the speed. */
  tokensPerStep: number;
  evaluation?: Evaluation & { every: number };
  /** Which parameters are in the variables at the end. */
  keep: 'last' | 'best';
  /** Folder for checkpoints. */
  folder: string;
  /** Checkpoint every so many steps; default: when the last one is `SAVE_SECONDS` old. */
  saveEvery?: number;
  signal: AbortSignal;
  events: EventSink;
}

export interface FitResult {
  metrics: Metrics;
  curves: TrainerState['curves'];
}

/** At most about this much work is lost at a kill. Results do not depend on when a checkpoint is written. */
const SAVE_SECONDS = 60;
const POINT_EVERY = 10;

function refuseDivergence(loss: number, step: number): void {
  if (Number.isFinite(loss)) return;
  throw new UserError(`the training loss became ${loss} at step ${step}`, {
    hint: "Lower the schedule's peak, lengthen its warmup, or clip gradients (clip: 1.0); then run again.",
  });
}

/** Runs (or goes on with) a training run; the variables hold the result. */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { program, variables, ratesAt, batchAt, steps, evaluation, folder, signal, events } = options;
  const bestPath = join(folder, 'best.safetensors');
  const resumed = await loadResume(folder, variables, options.resumable, (message) => events.warn(message));
  if (resumed !== undefined) events.info(`resumed at step ${resumed.step} of ${steps}`);
  const state = resumed ?? initialState();

  const save = () => saveResume(folder, state, variables, options.resumable);
  const stopIfAborted = async () => {
    if (!signal.aborted) return;
    if (state.step > 0) await save();
    throw signal.reason;
  };
  const evaluationIsDue = () =>
    evaluation !== undefined &&
    state.step > 0 &&
    (state.step % evaluation.every === 0 || state.step === steps) &&
    state.curves.validPerplexity.at(-1)?.[0] !== state.step;
  const evaluate = async () => {
    const perplexity = await evaluation!.perplexity(signal);
    if (perplexity === undefined) return;
    state.curves.validPerplexity.push([state.step, perplexity]);
    events.point('valid.perplexity', state.step, perplexity);
    if (!(perplexity < (state.best?.perplexity ?? Number.POSITIVE_INFINITY))) return;
    state.best = { step: state.step, perplexity };
    if (options.keep === 'best') await writeVariables(bestPath, variables, options.parameters);
  };

  const clock = createClock(options.tokensPerStep);
  let savedAt = performance.now();
  for (;;) {
    await stopIfAborted();
    if (evaluationIsDue()) await evaluate();
    // A signal cuts an evaluation short; it is then made again after resuming.
    if (signal.aborted) continue;
    if (state.step >= steps) break;

    const started = performance.now();
    const rates = ratesAt(state.step);
    const { loss, gradientNorm, seconds } = await program.run(state.step, rates, batchAt);
    recordLoss(state, loss);
    refuseDivergence(loss, state.step);
    if (state.step % POINT_EVERY === 0 || state.step === steps) {
      const mean = meanRecentLoss(state, POINT_EVERY);
      state.curves.trainLoss.push([state.step, mean]);
      events.point('train.loss', state.step, mean);
      events.point('train.gradient_norm', state.step, gradientNorm);
    }
    clock.add((performance.now() - started) / 1000, seconds);
    const values = { loss, tokens_per_s: clock.tokensPerSecond(), lr: rates[0]! };
    events.progress(state.step, { total: steps, unit: 'steps', values });

    const due =
      options.saveEvery === undefined
        ? performance.now() - savedAt > SAVE_SECONDS * 1000
        : state.step % options.saveEvery === 0;
    if (due && state.step < steps) {
      await save();
      savedAt = performance.now();
    }
  }

  if (options.keep === 'best' && state.best !== undefined && state.best.step !== state.step) {
    await readVariables(bestPath, variables, options.parameters);
  }
  return { metrics: { ...resultMetrics(state, options.keep), ...clock.metrics() }, curves: state.curves };
}
