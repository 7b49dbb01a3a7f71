/**
 * `layers: auto`: a conversion that measures what each layer would lose and keeps the old attention where a budget buys the
 * most.
 */
import { componentOption, UserError } from '@t2r/core';
import { z } from 'zod';
import type { LayerMeasures } from './layer-measures.js';
import type { PlannedLayer } from './layer-plan.js';
import { trainingOptions } from './training-options.js';

const { data, split, batch, block, accumulate, clip, order } = trainingOptions;

const budgetSchema = z
  .strictObject({
    layers: z.int().positive().optional().describe('So many layers keep their attention.'),
    stateBytes: z
      .int()
      .positive()
      .optional()
      .describe('The state of one sequence, at the longest position, may have so many bytes (float32).'),
    loss: z
      .number()
      .positive()
      .optional()
      .describe('The loss may rise by so much, in nats a token, by the measurement before finetuning.'),
  })
  .refine((budget) => Object.values(budget).filter((value) => value !== undefined).length === 1, {
    message: 'give one of layers, stateBytes and loss',
  });

const settleSchema = z.strictObject({
  steps: z.int().min(0).default(50).describe('Optimizer steps; 0 measures right after the transfer.'),
  optimizer: componentOption('optimizer', 'Their optimizer.').default({ use: 'adam' }),
  schedule: componentOption('schedule', 'Their learning rate.').default({ use: 'cosine', peak: 5e-4, warmup: 10 }),
  clip: z.number().min(0).default(1).describe('Largest norm of the whole gradient; 0 = no clipping.'),
});

export const autoSchema = z.strictObject({
  budget: budgetSchema.describe('What may be kept, or lost.'),
  data,
  split,
  batch,
  block,
  accumulate,
  clip,
  order,
  steps: z.int().positive().default(50).describe('Steps of attention transfer before measuring.'),
  optimizer: componentOption('optimizer', 'Optimizer of the transfer.').default({ use: 'adam' }),
  schedule: componentOption('schedule', 'Learning rate of the transfer.').default({ use: 'cosine', peak: 1e-2 }),
  settle: settleSchema
    .prefault({})
    .describe(
      'After the transfer, train all weights while every step tosses for the attention of each layer, and measure with those: what finetuning will win back no longer counts as lost. They are thrown away afterwards.',
    ),
  measure: z
    .strictObject({
      split: z.string().default('valid').describe('Split to measure on.'),
      batches: z.int().positive().default(16).describe('Batches to measure on.'),
    })
    .default({ split: 'valid', batches: 16 })
    .describe('Held-out text for the measurement.'),
});

export type AutoOptions = z.output<typeof autoSchema>;
export type Budget = AutoOptions['budget'];

/** Bytes of one sequence's state that a layer needs with each attention. */
export interface LayerBytes {
  layer: number;
  old: number;
  next: number;
}

/** A layer with what keeping its attention saves (nats a token) and costs (bytes). */
interface Candidate {
  layer: number;
  gain: number;
  bytes: number;
}

/**
 * The layers that keep their attention, ascending.
 *
 * What keeping a layer saves is the mean of two measurements: how much the loss rises when it alone is converted, and how much
 * of the loss with all layers converted is its own. The first sees the layer among perfect ones, the second among imperfect
 * ones; a finetuned conversion lies between the two.
 *
 * @param bytes of the layers that were measured
 * @param fixedBytes state of all other layers
 */
export function chooseKept(
  { before, converted, layers }: LayerMeasures,
  budget: Budget,
  bytes: readonly LayerBytes[],
  fixedBytes: number,
): number[] {
  const sizeOf = new Map(bytes.map((one) => [one.layer, one]));
  const candidates = layers.map(({ layer, alone, kept }): Candidate => {
    const { old, next } = sizeOf.get(layer)!;
    return { layer, gain: (alone + kept) / 2, bytes: old - next };
  });
  const sorted = (value: (one: Candidate) => number) => candidates.toSorted((a, b) => value(b) - value(a));
  const chosen: Candidate[] = [];
  if (budget.layers !== undefined) chosen.push(...sorted(({ gain }) => gain).slice(0, budget.layers));
  else if (budget.stateBytes !== undefined) {
    let left = budget.stateBytes - fixedBytes - bytes.reduce((sum, { next }) => sum + next, 0);
    for (const candidate of sorted(({ gain, bytes: more }) => gain / Math.max(1, more))) {
      if (candidate.gain <= 0 || candidate.bytes > left) continue;
      left -= candidate.bytes;
      chosen.push(candidate);
    }
  } else {
    // Of the whole rise, every kept layer takes away its own part; parts need not add up, the whole is measured.
    const parts = candidates.reduce((sum, { gain }) => sum + Math.max(0, gain), 0);
    let rise = converted - before;
    const share = parts > 0 ? rise / parts : 0;
    for (const candidate of sorted(({ gain }) => gain)) {
      if (rise <= budget.loss!) break;
      rise -= Math.max(0, candidate.gain) * share;
      chosen.push(candidate);
    }
  }
  return chosen.map(({ layer }) => layer).toSorted((a, b) => a - b);
}

/** @throws UserError where a budget of layers leaves nothing to convert, or one of bytes is smaller than any state */
export function checkBudget(budget: Budget, bytes: readonly LayerBytes[], fixedBytes: number): void {
  if (budget.layers !== undefined && budget.layers >= bytes.length)
    throw new UserError(`auto.budget: ${budget.layers} kept layers leave none of ${bytes.length} to convert`, {
      hint: `Keep at most ${bytes.length - 1}.`,
    });
  const least = bytes.reduce((sum, { next }) => sum + next, fixedBytes);
  if (budget.stateBytes !== undefined && budget.stateBytes < least)
    throw new UserError(`auto.budget: with all layers converted a sequence has ${least} bytes of state already`, {
      hint: `Allow at least ${least}, or choose an attention with fewer features.`,
    });
}

const nats = (value: number) => `${value < 0 ? '' : '+'}${value.toFixed(4)}`;

/** The plan of a measured conversion. */
export function measuredPlan(
  plan: readonly PlannedLayer[],
  { layers }: LayerMeasures,
  kept: readonly number[],
): PlannedLayer[] {
  const measures = new Map(layers.map((measure) => [measure.layer, measure]));
  return plan.map((entry) => {
    const measure = measures.get(entry.layer);
    if (measure === undefined) return entry;
    const { outputError, alone, kept: saved } = measure;
    const swapped = !kept.includes(entry.layer);
    return {
      ...entry,
      swapped,
      reason: `${swapped ? 'swapped' : 'kept'} by measurement: ${nats(alone)} nats a token if swapped alone, ${nats(-saved)} if kept alone`,
      measured: { output_error: outputError, loss_if_swapped_alone: alone, loss_if_kept_alone: -saved },
    };
  });
}
