/**
 * The training loop. Data, dropout and learning rate are functions of the step alone, so that a run which is interrupted
 * (by a signal or by kill -9) and goes on from a checkpoint ends with the bits an uninterrupted run ends with.
 */
import { type EventSink, type Metrics, UserError } from '@t2r/core';
import type { Variables } from '@t2r/engine';
import type { TrainingBatch } from './batches.js';
import { createClock } from './clock.js';
import type { HeldOut, Measured } from './evaluation.js';
import { type Choice, compareEvaluations, keptWeights } from './kept-weights.js';
import { LEAST_SCALE } from './loss-scale.js';
import { loadResume, saveResume } from './resume.js';
import {
  initialState,
  meanRecentLoss,
  recordEvaluation,
  recordLoss,
  resultMetrics,
  type TrainerState,
} from './trainer-state.js';
import type { StepOutcome, TrainingProgram } from './training-program.js';

export interface FitOptions {
  program: TrainingProgram;
  variables: Variables;
  /** Names of the trained parameters among the variables; they are what `choice` keeps. */
  parameters: readonly string[];
  /** Names of all variables that a resumed run needs. */
  resumable: readonly string[];
  /** Learning rate of each group of parameters at optimizer step `step`; the first is the one that is reported. */
  ratesAt(step: number): number[];
  /** The batches of an optimizer step, a pure function of it. */
  batchesAt(step: number): readonly TrainingBatch[];
  steps: number;
  evaluation?: HeldOut & { every: number };
  /** Evaluations without a better one after which the run ends; default: it goes on to the last step. */
  patience?: number;
  /** Whose parameters are in the variables at the end; default: those of the last step. */
  choice?: Choice;
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

/** Says when gradients have overflowed. @throws UserError where no scale of the loss helps */
function reportScale({ lossScale }: StepOutcome, step: number, events: EventSink): void {
  if (lossScale === undefined || !lossScale.skipped) return;
  const { scale } = lossScale;
  events.info(`step ${step} changed nothing: gradients are too large for halves; the loss is scaled by ${scale} now`);
  if (scale >= LEAST_SCALE) return;
  throw new UserError(`gradients are too large for halves at step ${step}, even with the loss scaled by ${scale}`, {
    hint: 'Train with precision: float32, or lower the learning rate.',
  });
}

/** What the latest evaluation found. */
function lastEvaluation({ curves }: TrainerState): Measured | undefined {
  const perplexity = curves.validPerplexity.at(-1)?.[1];
  return perplexity === undefined ? undefined : { perplexity, bleu: curves.validBleu?.at(-1)?.[1] };
}

/** Whether the last `patience` evaluations have all missed the best one. */
function outOfPatience({ best, curves }: TrainerState, patience: number | undefined): boolean {
  if (patience === undefined || best === undefined) return false;
  return curves.validPerplexity.filter(([step]) => step > best.step).length >= patience;
}

/** Runs (or goes on with) a training run; the variables hold the result. */
export async function fit(options: FitOptions): Promise<FitResult> {
  const { program, variables, ratesAt, batchesAt, steps, evaluation, folder, signal, events } = options;
  const kept = options.choice && keptWeights(folder, variables, options.parameters, options.choice);
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
    const measured = await evaluation!.measure(signal);
    if (measured === undefined) return;
    recordEvaluation(state, measured);
    events.point('valid.perplexity', state.step, measured.perplexity);
    if (measured.bleu !== undefined) events.point('valid.bleu', state.step, measured.bleu);
    const none = { perplexity: Number.POSITIVE_INFINITY };
    if (compareEvaluations(measured, state.best ?? none) > 0) state.best = { ...measured, step: state.step };
    await kept?.add(state, measured);
  };
  const clock = createClock();
  let savedAt = performance.now();
  for (;;) {
    await stopIfAborted();
    if (evaluationIsDue()) await evaluate();
    // A signal cuts an evaluation short; it is then made again after resuming.
    if (signal.aborted) continue;
    if (state.step >= steps || outOfPatience(state, options.patience)) break;

    const started = performance.now();
    const rates = ratesAt(state.step);
    const batches = batchesAt(state.step);
    const outcome = await program.run(state.step, rates, batches);
    recordLoss(state, outcome.loss);
    refuseDivergence(outcome.loss, state.step);
    reportScale(outcome, state.step, events);
    if (state.step % POINT_EVERY === 0 || state.step === steps) {
      const mean = meanRecentLoss(state, POINT_EVERY);
      state.curves.trainLoss.push([state.step, mean]);
      events.point('train.loss', state.step, mean);
      if (Number.isFinite(outcome.gradientNorm)) events.point('train.gradient_norm', state.step, outcome.gradientNorm);
    }
    const tokens = batches.reduce((sum, batch) => sum + batch.tokens, 0);
    clock.add(tokens, (performance.now() - started) / 1000 - outcome.compileSeconds, outcome.seconds);
    const values = { loss: outcome.loss, tokens_per_s: clock.tokensPerSecond(), lr: rates[0]! };
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
  const result = await applyChoice();
  return { metrics: { ...resultMetrics(state, result), ...clock.metrics() }, curves: state.curves };

  /** Leaves the chosen weights in the variables. @returns their evaluation */
  async function applyChoice(): Promise<Measured | undefined> {
    if (kept === undefined || (state.kept ?? []).length === 0) return lastEvaluation(state);
    const only = state.kept!.length === 1 ? state.kept![0] : undefined;
    // The mean of several has not been evaluated yet, and what interrupts that finds the run at its last step.
    if (only === undefined) await save();
    await kept.apply(state);
    if (only !== undefined) return only;
    events.info(`the mean of the weights of steps ${state.kept!.map(({ step }) => step).join(', ')}`);
    const measured = await evaluation!.measure(signal);
    if (measured === undefined) throw signal.reason;
    return measured;
  }
}
