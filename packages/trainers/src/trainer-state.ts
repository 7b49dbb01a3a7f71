/** What a training run knows beside its variables; small enough to be written as JSON at every checkpoint. */

import type { Metrics } from '@t2r/core';
import type { Measured } from './evaluation.js';

export interface TrainerState {
  /** Optimizer steps done. */
  step: number;
  /** Training losses of the latest steps, oldest first. */
  recentLosses: number[];
  /** Points drawn so far: [step, value]. */
  curves: {
    trainLoss: [number, number][];
    validPerplexity: [number, number][];
    /** Where evaluations translate. */
    validBleu?: [number, number][];
  };
  /** The best evaluation so far. */
  best?: Measured & { step: number };
  /** Evaluations whose weights lie beside the checkpoints, in the order of their steps. */
  kept?: (Measured & { step: number })[];
}

/** A run that has done nothing yet. */
export function initialState(): TrainerState {
  return { step: 0, recentLosses: [], curves: { trainLoss: [], validPerplexity: [] } };
}

/** Losses that the final training loss is the mean of. */
const RECENT = 50;

/** Mean of the latest `count` losses. */
export function meanRecentLoss(state: TrainerState, count = RECENT): number {
  const losses = state.recentLosses.slice(-count);
  return losses.reduce((a, b) => a + b, 0) / losses.length;
}

/** Notes the loss of the step just done. */
export function recordLoss(state: TrainerState, loss: number): void {
  state.step += 1;
  state.recentLosses.push(loss);
  if (state.recentLosses.length > RECENT) state.recentLosses.shift();
}

/** Notes an evaluation, without judging it. */
export function recordEvaluation({ step, curves }: TrainerState, { perplexity, bleu }: Measured): void {
  curves.validPerplexity.push([step, perplexity]);
  if (bleu !== undefined) curves.validBleu = [...(curves.validBleu ?? []), [step, bleu]];
}

/** What a finished run reports of its losses. `result` is the evaluation of the weights which are the result. */
export function resultMetrics(state: TrainerState, result: Measured | undefined): Metrics {
  const metrics: Metrics = { steps: state.step, 'train.loss': meanRecentLoss(state) };
  const { best } = state;
  if (result !== undefined) metrics['valid.perplexity'] = result.perplexity;
  if (result?.bleu !== undefined) metrics['valid.bleu'] = result.bleu;
  if (best !== undefined) {
    metrics['best.step'] = best.step;
    metrics['best.valid.perplexity'] = best.perplexity;
  }
  if (best?.bleu !== undefined) metrics['best.valid.bleu'] = best.bleu;
  return metrics;
}
