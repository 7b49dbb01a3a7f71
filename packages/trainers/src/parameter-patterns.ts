/**
 * Choosing parameters by name: which are trained, and with what part of the learning rate. A pattern is a name in which `*`
 * stands for any characters, dots too: `layers.0.*`, `*.attention.q.weight`.
 */
import { nearestName, UserError } from '@t2r/core';
import type { LanguageModel } from '@t2r/models';
import { z } from 'zod';

const patterns = z.array(z.string().min(1)).min(1);

/** The options of a training step that choose parameters. All are optional without a default, so that they enter no key unused. */
export const parameterOptions = {
  train: patterns
    .optional()
    .describe('Train only parameters whose names match one of these patterns (* stands for any characters).'),
  freeze: patterns.optional().describe('Leave parameters whose names match one of these patterns as they are.'),
  groups: z
    .array(
      z.strictObject({
        match: z.string().min(1).describe('Pattern of parameter names, e.g. "layers.*.attention.phi.weight".'),
        rate: z.number().positive().describe("Factor of the schedule's learning rate."),
      }),
    )
    .min(1)
    .optional()
    .describe('Learning-rate factors of parameters by name; the first group that matches counts, the others have 1.'),
};

type ParameterSpec = ReturnType<LanguageModel['parameters']>[number];

/** A parameter that is trained. */
export interface TrainedParameter extends ParameterSpec {
  /** Factor of the schedule's learning rate. */
  rate: number;
}

export interface ParameterChoice {
  train?: readonly string[];
  freeze?: readonly string[];
  groups?: readonly { match: string; rate: number }[];
}

/** A test of names against a pattern. */
function matcher(pattern: string): (name: string) => boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  const expression = new RegExp(`^${escaped.join('.*')}$`);
  return (name) => expression.test(name);
}

/** Names shown in a hint at most. */
const SHOWN = 3;

/** The known names, or patterns of them, that a pattern which matches nothing is nearest to. */
function nearestHint(pattern: string, names: readonly string[]): string {
  // `layers.*.attention.*` is found for a mistyped `layers.*.atention.*`, though it is near to no single name.
  const general = names.map((name) => name.replace(/\.\d+\./g, '.*.'));
  const prefixes = general.flatMap((name) => {
    const parts = name.split('.');
    return parts.slice(1).map((_, i) => `${parts.slice(0, i + 1).join('.')}.*`);
  });
  const left = new Set([...names, ...general, ...prefixes]);
  const nearest: string[] = [];
  for (let next = nearestName(pattern, left); next !== undefined && nearest.length < SHOWN; ) {
    nearest.push(next);
    left.delete(next);
    next = nearestName(pattern, left);
  }
  if (nearest.length > 0) return `Nearest: ${nearest.join(', ')}.`;
  return `Names are like ${[...new Set(general)].slice(0, 2 * SHOWN).join(', ')}.`;
}

/** @throws UserError where the pattern matches none of the names */
function checkMatches(option: string, pattern: string, names: readonly string[], what: string): void {
  if (names.some(matcher(pattern))) return;
  throw new UserError(`${option}: no ${what} is named like "${pattern}"`, { hint: nearestHint(pattern, names) });
}

/**
 * The parameters that are trained, in the model's order, with their learning-rate factors. `freeze` wins over `train`.
 *
 * @throws UserError where a pattern matches nothing, or nothing is left to train
 */
export function trainedParameters(
  parameters: readonly ParameterSpec[],
  { train, freeze = [], groups = [] }: ParameterChoice = {},
): TrainedParameter[] {
  const names = parameters.map(({ name }) => name);
  for (const pattern of train ?? []) checkMatches('train', pattern, names, 'parameter');
  for (const pattern of freeze) checkMatches('freeze', pattern, names, 'parameter');
  const wanted = (train ?? ['*']).map(matcher);
  const frozen = freeze.map(matcher);
  const kept = parameters.filter(
    ({ name }) => wanted.some((matches) => matches(name)) && !frozen.some((matches) => matches(name)),
  );
  if (kept.length === 0)
    throw new UserError('train and freeze leave no parameter to train', {
      hint: 'Freeze fewer parameters: freeze wins over train.',
    });
  const keptNames = kept.map(({ name }) => name);
  for (const { match } of groups) checkMatches('groups', match, keptNames, 'trained parameter');
  const factors = groups.map(({ match, rate }) => ({ matches: matcher(match), rate }));
  return kept.map((spec) => ({ ...spec, rate: factors.find(({ matches }) => matches(spec.name))?.rate ?? 1 }));
}
