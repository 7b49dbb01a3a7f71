/** What the training steps tell of themselves before they run. */

import type { PlanContext, Step, StepContext, StepPlan, StepResult } from '@t2r/core';
import { checkSplit, type PlannedTokens } from '@t2r/datasets';
import type { LmConfig } from '@t2r/models';
import { plannedConfig } from '@t2r/models';
import { checkPrecision } from './precision.js';
import { checkBlock } from './train-plan.js';
import type { TrainingOptions } from './training-options.js';

/** What every training run measures, whatever the model. */
export const TRAINING_METRICS = ['train.loss', 'steps', 'tokens_per_s', 'host_share', 'peak_rss_bytes'] as const;

export interface TrainingStepParts {
  /** What it costs to train a model of this configuration. */
  plan(config: LmConfig, context: PlanContext): StepPlan;
  run(context: StepContext): Promise<StepResult>;
}

/** A step that trains a checkpoint; its splits and blocks are checked when it is planned. */
export function trainingStep(options: TrainingOptions, { plan, run }: TrainingStepParts): Step {
  const { data, split, evaluate, from, block } = options;
  return {
    produces: 'checkpoint',
    usesEngine: true,
    metricNames: () => [
      ...TRAINING_METRICS,
      ...(evaluate === undefined ? [] : ['valid.perplexity', 'best.step', 'best.valid.perplexity']),
    ],
    plan(context) {
      checkPrecision(options, context);
      const { splits } = (context.input(data).produces ?? {}) as PlannedTokens;
      for (const wanted of [split, evaluate?.split]) if (wanted !== undefined) checkSplit(splits, wanted);
      const config = plannedConfig(context, from);
      if (config === undefined) return {};
      checkBlock(block, config);
      return plan(config, context);
    },
    run,
  };
}
