/**
 * What evaluation steps leave besides metrics: how they measured, and sample texts. It is JSON from other packages, so it
 * is checked here; what does not fit is left out of the report.
 */
import type { Artifact } from '@t2r/core';
import { z } from 'zod';
import type { Sample } from './types.js';

const protocolsSchema = z.object({
  protocols: z.union([
    z.array(z.object({ step: z.string(), text: z.string() })),
    z
      .record(z.string(), z.object({ text: z.string() }))
      .transform((bySplit) => Object.entries(bySplit).map(([step, { text }]) => ({ step, text }))),
  ]),
});
const samplesSchema = z.object({
  samples: z.array(z.object({ step: z.string(), prompt: z.string(), text: z.string() })),
});

/** How each evaluation measured, one line each, with the split or the checkpoint it holds for. */
export function collectProtocols(artifacts: readonly Artifact[]): string[] {
  return artifacts.flatMap(({ data }) => {
    const parsed = protocolsSchema.safeParse(data);
    return parsed.success ? parsed.data.protocols.map(({ step, text }) => `${step}: ${text}`) : [];
  });
}

/** Texts that checkpoints wrote. */
export function collectSamples(artifacts: readonly Artifact[]): Sample[] {
  return artifacts.flatMap(({ data }) => {
    const parsed = samplesSchema.safeParse(data);
    return parsed.success ? parsed.data.samples : [];
  });
}
