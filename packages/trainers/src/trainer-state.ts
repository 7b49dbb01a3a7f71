/** What a training run knows beside its variables; small enough to be written as JSON at every checkpoint. */

import type { Metrics } from '@t2r/core';

export interface TrainerState {
  /** Optimizer steps done. */
  step: number;
  /** Training losses of the latest steps, oldest first. */
  recentLosses: number[];
  /** Points drawn so far: [step, value]. */
  curves: { trainLoss: [number, number][]; validPerplexity: [number, number][] };
  /** The best evaluation so far. */
  best?: { step: number; perplexity: number };
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

/** What a finished run reports of its losses. `valid.perplexity` is that of the weights which are the result. */
export function resultMetrics(state: TrainerState, keep: 'last' | 'best'): Metrics {
  const metrics: Metrics = { steps: state.step, 'train.loss': meanRecentLoss(state) };
  const { best } = state;
  const last = state.curves.validPerplexity.at(-1);
  if (last !== undefined) metrics['valid.perplexity'] = keep === 'best' ? (best?.perplexity ?? last[1]) : last[1];
  if (best !== undefined) {
    metrics['best.step'] = best.step;
    metrics['best.valid.perplexity'] = best.perplexity;
  }
  return metrics;
}
