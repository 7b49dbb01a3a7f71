/** A scheduler of a checkpoint folder. */
import { buildLanguageModel } from '@t2r/models';
import { loadTokenizer } from '@t2r/tokenizers';
import { loadCheckpoint } from '@t2r/zoo';
import type { CheckpointGeneratorOptions } from '../checkpoint.js';
import { createScheduler, type Scheduler, type SchedulerOptions } from './scheduler.js';

export interface CheckpointSchedulerOptions
  extends CheckpointGeneratorOptions,
    Pick<SchedulerOptions, 'batch' | 'chunk' | 'capacity' | 'ahead' | 'dtype'> {}

/** Loads a checkpoint folder and opens its scheduler. Throws UserError as `checkpointGenerator` does. */
export async function checkpointScheduler(
  folder: string,
  { engine, context, ...options }: CheckpointSchedulerOptions,
): Promise<Scheduler> {
  const { config, weights, tokenizer } = await loadCheckpoint(folder, {
    parameters: (model) => buildLanguageModel(model, context).parameters(),
  });
  return createScheduler({
    model: buildLanguageModel(config.model, context),
    weights,
    tokenizer: tokenizer === undefined ? undefined : await loadTokenizer(tokenizer),
    engine,
    ...options,
  });
}
