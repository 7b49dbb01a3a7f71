/**
 * The generation curve and the sample texts out of the results of `evaluate/generation`. A result's data is JSON from
 * another package, so it is checked here and whatever does not fit is left out of the page.
 */
import type { Artifact } from '@t2r/core';
import { z } from 'zod';
import type { GenerationPoint, Sample } from './types.js';

const generationData = z.object({
  curve: z
    .array(
      z.object({
        step: z.string(),
        position: z.number(),
        tokensPerSecond: z.number(),
        stateBytes: z.number().optional(),
      }),
    )
    .default([]),
  samples: z.array(z.object({ step: z.string(), prompt: z.string(), text: z.string() })).default([]),
});

/** Curve and samples of all `evaluate/generation` steps together. */
export function collectGeneration(artifacts: readonly Artifact[]): { curve: GenerationPoint[]; samples: Sample[] } {
  const curve: GenerationPoint[] = [];
  const samples: Sample[] = [];
  for (const { use, data } of artifacts) {
    if (use !== 'evaluate/generation') continue;
    const parsed = generationData.safeParse(data);
    if (!parsed.success) continue;
    curve.push(...parsed.data.curve);
    samples.push(...parsed.data.samples);
  }
  return { curve, samples };
}
