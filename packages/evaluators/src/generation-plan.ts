/** What `evaluate/generation` costs, as far as it is known before anything runs. */
import type { PlanContext, StepPlan } from '@t2r/core';
import { buildLanguageModel, configOf, decodingFlops, type ModelConfig } from '@t2r/models';
import type { GenerationOptions } from './generation-schema.js';

/** Work of the long runs and the timed windows, and the largest state, over the checkpoints whose models are planned. */
export function planGeneration(options: GenerationOptions, context: PlanContext): StepPlan {
  const { of, positions, tokens, rounds, warmup } = options;
  const longest = Math.max(...positions);
  const note = `decodes up to position ${longest}; times ${tokens} tokens in ${rounds} rounds at ${positions.length} positions`;
  const models = of.flatMap((ref) => {
    const planned = context.input(ref).produces as { config?: ModelConfig } | undefined;
    if (planned?.config === undefined) return [];
    return [buildLanguageModel(configOf('decoder-lm', planned.config, `the model of step ${ref.step}`), context)];
  });
  if (models.length < of.length) return { note };
  const flops = models.map((model) => {
    const last = model.config.positions === 'learned' ? Math.min(longest, model.config.maxPositions) : longest;
    const timed = positions.map(
      (position) => rounds * (warmup + tokens) * decodingFlops(model, Math.min(position, last)),
    );
    // Only an RNN decodes its way to the positions.
    return timed.reduce((sum, part) => sum + part, model.recurrent ? last * decodingFlops(model, last) : 0);
  });
  return {
    flops: flops.reduce((sum, part) => sum + part, 0),
    stateBytesPerSequence: Math.max(...models.map((model) => model.stateBytes(longest))),
    note,
  };
}
