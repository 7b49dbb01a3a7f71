/** Weights that are kept at evaluations for the result: the best, or several whose mean is the result. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Variables } from '@t2r/engine';
import type { Measured } from './evaluation.js';
import type { TrainerState } from './trainer-state.js';
import { readVariables, writeVariables } from './variables-file.js';

/** How many evaluations' weights make the result, and which: the last ones, or the best. */
export interface Choice {
  of: 'last' | 'best';
  count: number;
}

export interface KeptWeights {
  /** Keeps the present weights if the evaluation of the present step is among the chosen. */
  add(state: TrainerState, measured: Measured): Promise<void>;
  /** Leaves the mean of the kept weights in the variables. @returns of how many evaluations it is */
  apply(state: TrainerState): Promise<number>;
}

/** Positive where evaluation a is better than b: by BLEU where both have one, else by perplexity. */
export function compareEvaluations(a: Measured, b: Measured): number {
  if (a.bleu !== undefined && b.bleu !== undefined) return a.bleu - b.bleu;
  const [ofA, ofB] = [a, b].map(({ perplexity }) => (Number.isNaN(perplexity) ? Number.POSITIVE_INFINITY : perplexity));
  return ofA === ofB ? 0 : ofB! - ofA!;
}

/**
 * Weights are files by step in `folder`. Which are kept is a function of the evaluations alone, so that a run which goes on from
 * an older checkpoint writes again what it still needs, and never misses one that has been removed since.
 */
export function keptWeights(
  folder: string,
  variables: Variables,
  parameters: readonly string[],
  { of, count }: Choice,
): KeptWeights {
  const path = (step: number) => join(folder, `kept-${step}.safetensors`);
  return {
    async add(state, measured) {
      const { step } = state;
      const all = [...(state.kept ?? []), { ...measured, step }];
      const [worst] = of === 'last' ? all : all.toSorted((a, b) => compareEvaluations(a, b) || b.step - a.step);
      const dropped = all.length > count ? worst! : undefined;
      if (dropped?.step !== step) await writeVariables(path(step), variables, parameters);
      state.kept = all.filter((each) => each !== dropped);
      if (dropped !== undefined) await rm(path(dropped.step), { force: true });
    },
    async apply(state) {
      const kept = state.kept ?? [];
      // The weights in place are those of the last step.
      if (kept.length === 0 || (kept.length === 1 && kept[0]!.step === state.step)) return kept.length;
      const sums = parameters.map((name) => new Float64Array(variables.read(name).length));
      for (const { step } of kept) {
        await readVariables(path(step), variables, parameters);
        parameters.forEach((name, p) => {
          const sum = sums[p]!;
          variables.read(name).forEach((value, i) => {
            sum[i]! += value;
          });
        });
      }
      parameters.forEach((name, p) => {
        variables.write(
          name,
          Float32Array.from(sums[p]!, (sum) => sum / kept.length),
        );
      });
      return kept.length;
    },
  };
}
