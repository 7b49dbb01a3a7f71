/** Progressive conversion: converted layers take up their new attention one after the other, while the model trains. */
import { type CreateContext, UserError } from '@t2r/core';
import { buildLanguageModel, type LanguageModel } from '@t2r/models';
import type { TrainLmOptions } from './train-schema.js';

/** A model and the optimizer step from which on it is trained. */
export interface ProgressiveModel {
  from: number;
  model: LanguageModel;
}

/**
 * The models of a training run in their order; the last is the model itself. All have the projections in common; a layer whose
 * turn has not come computes with the old attention, and its new feature maps wait.
 *
 * @throws UserError where the run is too short for the last layer to change, or no layer has another attention
 */
export function progressiveModels(
  { progressive, steps }: Pick<TrainLmOptions, 'progressive' | 'steps'>,
  model: LanguageModel,
  context: CreateContext,
): ProgressiveModel[] {
  if (progressive === undefined) return [{ from: 0, model }];
  const { every, first, attention } = progressive;
  const { config } = model;
  const converted = config.attention.flatMap(({ use }, layer) => (use === attention.use ? [] : [layer]));
  if (converted.length === 0)
    throw new UserError(`progressive: every layer has ${attention.use} attention already`, {
      hint: 'Train from a checkpoint that convert/swap has made.',
    });
  if (steps <= (converted.length - 1) * every)
    throw new UserError(
      `progressive: with ${converted.length} layers, one every ${every} steps, the last one changes at step ${(converted.length - 1) * every}, and the run has ${steps} steps`,
      { hint: 'Give the run more steps, or lower every.' },
    );
  const order = first === 'top' ? converted.toReversed() : converted;
  return order.map((_, turn) => {
    const waiting = new Set(order.slice(turn + 1));
    const specs = config.attention.map((spec, layer) => (waiting.has(layer) ? attention : spec));
    return {
      from: turn * every,
      model: waiting.size === 0 ? model : buildLanguageModel({ ...config, attention: specs }, context),
    };
  });
}
