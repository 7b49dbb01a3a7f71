/** What a run comes to. */
import { placedMessage, UserError } from '../errors.js';
import type { Miss } from '../recipe/expectation.js';
import type { Metrics } from '../step.js';

export interface StepSummary {
  /** Content key; absent for a step that was skipped before its key could be known. */
  key?: string;
  status: 'done' | 'cached' | 'failed' | 'interrupted' | 'skipped';
  /** How long it took when it ran (for a cached step, then). */
  seconds: number;
  metrics: Metrics;
  /** Folder of its files; absent for a skipped step. */
  folder?: string;
  error?: RunError;
}

/** An error in plain data. */
export interface RunError {
  step: string;
  message: string;
  hint?: string;
  /** True when it is the user's to mend (exit code 2). */
  user: boolean;
  /** For errors that are not the user's. */
  stack?: string;
}

export interface RunSummary {
  name: string;
  /** The run folder, `runs/<name>`. */
  folder: string;
  /** `failed` when a step failed or an expectation was missed. */
  status: 'done' | 'failed' | 'interrupted';
  steps: Record<string, StepSummary>;
  /** Expectations that were not met. */
  misses: Miss[];
  /** The first error. */
  error?: RunError;
  /** How to go on, when the run was interrupted or failed. */
  resume?: string;
}

/** An error of a step in plain data. */
export function runError(step: string, error: unknown): RunError {
  if (!(error instanceof Error)) return { step, message: String(error), user: false };
  const user = error instanceof UserError;
  return {
    step,
    message: user ? placedMessage(error) : error.message,
    ...(user && error.hint !== undefined ? { hint: error.hint } : {}),
    user,
    ...(user ? {} : { stack: error.stack }),
  };
}
