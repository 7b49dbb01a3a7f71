/** The order steps run in, and the circles that leave none. */
import type { ProblemList } from './problem.js';
import type { RecipeStep, StepLink } from './recipe.js';

/** Reports each circle of references once, at a reference that closes it. */
export function reportCircles(links: readonly StepLink[], problems: ProblemList): void {
  const done = new Set<string>();
  const open: string[] = [];
  const visit = (id: string) => {
    open.push(id);
    for (const { target, at } of links.filter((link) => link.from === id)) {
      const start = open.indexOf(target);
      if (start >= 0) {
        const circle = [...open.slice(start), target].join(' -> ');
        problems.add(at, `the steps depend on each other in a circle: ${circle}`, 'one of these references must go');
      } else if (!done.has(target)) visit(target);
    }
    open.pop();
    done.add(id);
  };
  for (const { from } of links) if (!done.has(from)) visit(from);
}

/** Sorts steps so that each comes after its inputs, otherwise in recipe order; steps that read everything come last. */
export function orderSteps(steps: readonly RecipeStep[]): RecipeStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const seen = new Set<RecipeStep>();
  const ordered: RecipeStep[] = [];
  const visit = (step: RecipeStep) => {
    if (seen.has(step)) return;
    seen.add(step);
    for (const id of step.inputs) {
      const input = byId.get(id);
      if (input !== undefined) visit(input);
    }
    ordered.push(step);
  };
  for (const step of steps) if (!step.step.readsAll) visit(step);
  for (const step of steps) visit(step);
  return ordered;
}
