/** Learning-rate schedules: pure functions of the step and the number of steps, so that a resumed run follows the same curve. */
import { defineComponent } from '@t2r/core';
import { z } from 'zod';

export interface Schedule {
  readonly name: string;
  /** Learning rate of optimizer step `step` (from 0) in a run of `totalSteps`. */
  rate(step: number, totalSteps: number): number;
}

declare module '@t2r/core' {
  interface ComponentKinds {
    schedule: Schedule;
  }
}

const peak = z.number().positive().describe('Highest learning rate.');
const warmup = z.int().min(0).default(0).describe('Steps over which the rate rises linearly to the peak.');

/** Factor of a linear warm-up at `step`, or undefined after it: the first step already moves, as PyTorch recipes do. */
const rising = (step: number, steps: number) => (step < steps ? (step + 1) / steps : undefined);

export const constantSchedule = defineComponent({
  kind: 'schedule',
  name: 'constant',
  description: 'Linear warm-up, then the same rate throughout.',
  schema: z.strictObject({ peak, warmup }),
  create: (options) => ({
    name: 'constant',
    rate: (step) => options.peak * (rising(step, options.warmup) ?? 1),
  }),
});

export const inverseSqrtSchedule = defineComponent({
  kind: 'schedule',
  name: 'inverse-sqrt',
  description: 'Linear warm-up, then peak * sqrt(warmup / step) (Vaswani et al. 2017, section 5.3).',
  schema: z.strictObject({
    peak,
    warmup: z.int().min(1).default(4000).describe('Steps over which the rate rises linearly to the peak.'),
  }),
  create: (options) => ({
    name: 'inverse-sqrt',
    rate: (step) => options.peak * (rising(step, options.warmup) ?? Math.sqrt(options.warmup / (step + 1))),
  }),
});

export const cosineSchedule = defineComponent({
  kind: 'schedule',
  name: 'cosine',
  description: 'Linear warm-up, then half a cosine down to a fraction of the peak (Loshchilov & Hutter 2017).',
  schema: z.strictObject({
    peak,
    warmup,
    floor: z.number().min(0).max(1).default(0).describe('Final rate as a fraction of the peak.'),
  }),
  create: ({ peak, warmup, floor }) => ({
    name: 'cosine',
    rate: (step, totalSteps) => {
      const done = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
      return peak * (rising(step, warmup) ?? floor + ((1 - floor) / 2) * (1 + Math.cos(Math.PI * done)));
    },
  }),
});
