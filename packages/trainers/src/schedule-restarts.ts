/** The cosine schedule with warm restarts (SGDR, Loshchilov & Hutter 2017, arXiv 1608.03983) as fairseq's `cosine` has it. */
import { defineComponent } from '@t2r/core';
import { z } from 'zod';

/** The period that step `since` (from 0, after the warm-up) falls into: its number, length, and how far into it the step is. */
function periodAt(since: number, first: number, growth: number): { index: number; length: number; into: number } {
  let index = 0;
  let length = first;
  let into = since;
  // Added up, not by a logarithm as in fairseq: a step on the border always begins the new period.
  while (into >= length) {
    into -= length;
    length *= growth;
    index += 1;
  }
  return { index, length, into };
}

export const cosineRestartsSchedule = defineComponent({
  kind: 'schedule',
  name: 'cosine-restarts',
  description:
    "Linear warm-up, then cosines from peak to min, restarted and shrunk after each period: fairseq's cosine.",
  schema: z.strictObject({
    peak: z.number().positive().describe("Highest learning rate (fairseq's max-lr)."),
    min: z.number().min(0).default(0).describe("Rate that the first period ends at (fairseq's lr)."),
    initial: z.number().min(0).default(0).describe('Rate of the first step of the warm-up.'),
    warmup: z.int().min(0).default(0).describe('Steps over which the rate rises linearly from initial to peak.'),
    period: z.int().positive().optional().describe('Steps of the first period; default: all after the warm-up.'),
    growth: z
      .number()
      .min(1)
      .default(1)
      .describe("Each period is so many times as long as the last (fairseq's t-mult)."),
    shrink: z.number().positive().max(1).default(1).describe('Factor on peak and min after each period.'),
  }),
  create: ({ peak, min, initial, warmup, period, growth, shrink }) => ({
    name: 'cosine-restarts',
    rate: (step, totalSteps) => {
      if (step < warmup) return initial + (step / warmup) * (peak - initial);
      const first = period ?? Math.max(1, totalSteps - warmup);
      const { index, length, into } = periodAt(step - warmup, first, growth);
      return shrink ** index * (min + ((peak - min) / 2) * (1 + Math.cos((Math.PI * into) / length)));
    },
  }),
});
