/** The `seed` option that steps share. */
import { z } from 'zod';

export const seedOption = z
  .int()
  .min(0)
  .default(0)
  .describe("Joined with the recipe's seed: another number draws other random values for this step alone.");
