/** Which pairs Moses' clean-corpus-n.perl leaves out, by the numbers of their words or subwords. */
import { z } from 'zod';

export const cleanOptions = z.strictObject({
  min: z.int().min(1).default(1).describe('Least length of either side.'),
  max: z.int().min(1).default(250).describe('Greatest length of either side.'),
  ratio: z.number().min(1).default(9).describe('How many times longer than the other one side may be.'),
});
export type CleanOptions = z.output<typeof cleanOptions>;

export const CLEAN_REASONS = ['short', 'long', 'ratio'] as const;
export type CleanReason = (typeof CLEAN_REASONS)[number];

/** Why a pair of these lengths is left out, if it is. */
export function cleanReason(
  source: number,
  target: number,
  { min, max, ratio }: CleanOptions,
): CleanReason | undefined {
  if (source > max || target > max) return 'long';
  if (source < min || target < min) return 'short';
  return source / target > ratio || target / source > ratio ? 'ratio' : undefined;
}
