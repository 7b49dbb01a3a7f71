/** The options that say in what precision a training step multiplies. */
import { type PlanContext, UserError } from '@t2r/core';
import { PRECISION_HINT, PRECISIONS } from '@t2r/engine';
import { z } from 'zod';
import type { LossScaling } from './loss-scale.js';

const lossScaleSchema = z.strictObject({
  initial: z.number().positive().default(65536).describe('Scale of the first step.'),
  every: z.int().positive().default(2000).describe('Good steps in a row after which the scale doubles.'),
});

/** Optional without a default, so that they enter no key unused. */
export const precisionOptions = {
  precision: z
    .enum(PRECISIONS)
    .optional()
    .describe(
      'float16: matrix products in half precision, with weights in float32 and a scaled loss; engine onnx on webgpu or cuda. Default: float32.',
    ),
  lossScale: lossScaleSchema.optional().describe('Scaling of the loss with precision: float16.'),
};

export type PrecisionOptions = z.output<z.ZodObject<typeof precisionOptions>>;

/** Refuses a scale that nothing uses; for the schema's `refine`. */
export const scaleIsUsed = ({ precision, lossScale }: PrecisionOptions) =>
  lossScale === undefined || precision === 'float16';
export const scaleProblem = { path: ['lossScale'], message: 'lossScale needs precision: float16' };

/** Scaling of the loss; undefined in float32. */
export function lossScalingOf({ precision, lossScale }: PrecisionOptions): LossScaling | undefined {
  return precision === 'float16' ? (lossScale ?? lossScaleSchema.parse({})) : undefined;
}

/** @throws UserError where the recipe's engine does not compute in the precision asked for */
export function checkPrecision({ precision = 'float32' }: PrecisionOptions, context: PlanContext): void {
  const { engineSpec } = context;
  const { precisions = ['float32'] } = context.create('engine', engineSpec);
  if (precisions.includes(precision)) return;
  const provider = 'provider' in engineSpec ? ` with provider '${engineSpec.provider}'` : '';
  throw new UserError(
    `precision: ${precision} is not what the engine '${engineSpec.use}'${provider} computes in; it has ${precisions.join(', ')}`,
    { hint: PRECISION_HINT },
  );
}
