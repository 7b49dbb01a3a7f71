/**
 * Choosing parameters by name: which are trained, and with what learning rate. A pattern is a name in which `*`
 * stands for any characters, dots too: `layers.0.*`, `*.attention.q.weight`.
 */
import { type ComponentSpec, componentOption, nearestName, UserError } from '@t2r/core';
import type { LanguageModel } from '@t2r/models';
import { z } from 'zod';

/** One pattern or more. */
export const patternList = z.array(z.string().min(1)).min(1);

/** The options of a training step that choose parameters. All are optional without a default, so that they enter no key unused. */
export const parameterOptions = {
  train: patternList
    .optional()
    .describe('Train only parameters whose names match one of these patterns (* stands for any characters).'),
  freeze: patternList.optional().describe('Leave parameters whose names match one of these patterns as they are.'),
  groups: z
    .array(
      z.strictObject({
        match: z.string().min(1).describe('Pattern of parameter names, e.g. "layers.*.attention.phi.weight".'),
        rate: z.number().positive().default(1).describe("Factor of the schedule's learning rate."),
        schedule: componentOption('schedule', 'A schedule of their own.').optional(),
      }),
    )
    .min(1)
    .optional()
    .describe("Learning rates of parameters by name; the first group that matches counts, the others have the step's."),
};

export type ParameterSpec = ReturnType<LanguageModel['parameters']>[number];

/** A parameter that is trained. */
export interface TrainedParameter extends ParameterSpec {
  /** Whose learning rate it has: 0 for that of the step, n for that of group number n. */
  group: number;
}

/** Parameters with a learning rate of their own. */
export interface ParameterGroup {
  /** Pattern of their names. */
  match: string;
  /** Factor of the schedule's learning rate. */
  rate: number;
  /** Default: the step's. */
  schedule?: ComponentSpec;
}

export interface ParameterChoice {
  train?: readonly string[];
  freeze?: readonly string[];
  groups?: readonly ParameterGroup[];
}

/** A test of names against a pattern. */
export function matcher(pattern: string): (name: string) => boolean {
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
export function checkMatches(option: string, pattern: string, names: readonly string[], what: string): void {
  if (names.some(matcher(pattern))) return;
  throw new UserError(`${option}: no ${what} is named like "${pattern}"`, { hint: nearestHint(pattern, names) });
}

/**
 * The parameters that are trained, in the model's order and adapters last, with their groups. `freeze` wins over `train`.
 *
 * @param adapters parameters that are always trained; where there are any, others are trained only if `train` names them
 * @throws UserError where a pattern matches nothing, or nothing is left to train
 */
export function trainedParameters(
  parameters: readonly ParameterSpec[],
  { train, freeze = [], groups = [] }: ParameterChoice = {},
  adapters: readonly ParameterSpec[] = [],
): TrainedParameter[] {
  const names = parameters.map(({ name }) => name);
  for (const pattern of train ?? []) checkMatches('train', pattern, names, 'parameter');
  for (const pattern of freeze) checkMatches('freeze', pattern, names, 'parameter');
  const wanted = (train ?? (adapters.length === 0 ? ['*'] : [])).map(matcher);
  const frozen = freeze.map(matcher);
  const chosen = parameters.filter(
    ({ name }) => wanted.some((matches) => matches(name)) && !frozen.some((matches) => matches(name)),
  );
  const kept = [...chosen, ...adapters];
  if (kept.length === 0)
    throw new UserError('train and freeze leave no parameter to train', {
      hint: 'Freeze fewer parameters: freeze wins over train.',
    });
  const keptNames = kept.map(({ name }) => name);
  for (const { match } of groups) checkMatches('groups', match, keptNames, 'trained parameter');
  const members = groups.map(({ match }) => matcher(match));
  // Without a match the index is -1, which makes group 0.
  return kept.map((spec) => ({ ...spec, group: members.findIndex((matches) => matches(spec.name)) + 1 }));
}
