/** What a training run knows beside its variables; small enough to be written as JSON at every checkpoint. */

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
