/** Learning rates of groups of parameters. */
import type { ComponentSpec, CreateContext } from '@t2r/core';
import type { ParameterGroup } from './parameter-patterns.js';

/**
 * From an optimizer step to the rate of each group, that of the parameters in no group first.
 *
 * @param schedule of the step; groups without one of their own follow it
 * @param steps how many optimizer steps there are in all
 */
export function learningRates(
  schedule: ComponentSpec,
  groups: readonly ParameterGroup[] = [],
  steps: number,
  context: CreateContext,
): (step: number) => number[] {
  const common = context.create('schedule', schedule);
  const curves = [
    { curve: common, factor: 1 },
    ...groups.map((group) => ({
      curve: group.schedule ? context.create('schedule', group.schedule) : common,
      factor: group.rate,
    })),
  ];
  return (step) => curves.map(({ curve, factor }) => factor * curve.rate(step, steps));
}
