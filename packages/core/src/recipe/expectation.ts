/**
 * `expect: { metric: { at_most: 95 } }`: what a step's metrics must satisfy. Checked after the step has run, and each time
 * its result is taken from the store.
 */
import type { SourceLocation } from '../errors.js';
import { knownNamesHint } from '../nearest.js';
import type { Metrics } from '../step.js';
import { childOf, type LocatedNode } from './located.js';
import type { ProblemList } from './problem.js';

/** One expectation on one metric. */
export type Expectation = { metric: string; at: SourceLocation } & Condition;

export type Condition =
  | { operator: 'at_most' | 'at_least'; value: number }
  | { operator: 'equals'; value: number; tolerance: Tolerance }
  | { operator: 'less_than_metric' | 'more_than_metric'; other: string }
  | { operator: 'at_most_times'; other: string; factor: number }
  | { operator: 'within'; other: string; tolerance: Tolerance };

/** Absolute, or relative to the expected value. */
export type Tolerance = { absolute: number } | { relative: number };

/** An expectation that was not met. */
export interface Miss {
  step: string;
  metric: string;
  /** What was found; absent when the step has no such metric. */
  actual?: number;
  /** One sentence that says what was expected and what was found. */
  message: string;
  location: SourceLocation;
}

const OPERATORS = [
  'at_most',
  'at_least',
  'equals',
  'less_than_metric',
  'more_than_metric',
  'at_most_times',
  'within',
] as const;
const KEYS = [...OPERATORS, 'tolerance', 'of'];

/**
 * Reads a step's `expect`.
 * @param known - Metric names, where the step knows them before running.
 */
export function readExpectations(
  node: LocatedNode | undefined,
  known: readonly string[] | undefined,
  problems: ProblemList,
): Expectation[] {
  if (node === undefined || (node.kind === 'scalar' && node.invalid)) return [];
  if (node.kind !== 'map') {
    problems.add(node.at, '"expect" must be a mapping from metrics to conditions', 'expect: { loss: { at_most: 2 } }');
    return [];
  }
  const checkMetric = (metric: string, at: SourceLocation) => {
    if (known === undefined || known.includes(metric)) return;
    problems.add(at, `the step has no metric "${metric}"`, knownNamesHint(metric, known, 'metrics'));
  };
  return [...node.entries].flatMap(([metric, { key, node: conditions }]) => {
    checkMetric(metric, key);
    if (conditions.kind !== 'map') {
      problems.add(conditions.at, `what "${metric}" must satisfy is missing`, `one of ${OPERATORS.join(', ')}`);
      return [];
    }
    if (!OPERATORS.some((operator) => conditions.entries.has(operator)) && conditions.entries.size === 0) {
      problems.add(conditions.at, `what "${metric}" must satisfy is missing`, `one of ${OPERATORS.join(', ')}`);
    }
    return [...conditions.entries].flatMap(([operator, entry]): Expectation[] => {
      const at = entry.key;
      // Conditions that name other metrics can be given for several.
      const others = entry.node.kind === 'list' ? entry.node.items : [entry.node];
      const number = () => numberOf(entry.node, operator, problems);
      switch (operator) {
        case 'at_most':
        case 'at_least': {
          const value = number();
          return value === undefined ? [] : [{ metric, at, operator, value }];
        }
        case 'equals': {
          const value = number();
          const tolerance = readTolerance(childOf(conditions, 'tolerance'), 'tolerance', problems);
          return value === undefined || tolerance === undefined ? [] : [{ metric, at, operator, value, tolerance }];
        }
        case 'less_than_metric':
        case 'more_than_metric':
          return others.flatMap((node): Expectation[] => {
            if (node.kind === 'scalar' && typeof node.value === 'string') {
              checkMetric(node.value, node.at);
              return [{ metric, at, operator, other: node.value }];
            }
            problems.add(node.at, `"${operator}" must name a metric of this step`);
            return [];
          });
        case 'at_most_times':
          return others.flatMap((node): Expectation[] => {
            const other = childOf(node, 'metric');
            const factor = childOf(node, 'factor');
            if (
              other?.kind === 'scalar' &&
              typeof other.value === 'string' &&
              factor?.kind === 'scalar' &&
              typeof factor.value === 'number'
            ) {
              checkMetric(other.value, other.at);
              return [{ metric, at, operator, other: other.value, factor: factor.value }];
            }
            problems.add(node.at, '"at_most_times" must be { metric: name, factor: number }');
            return [];
          });
        case 'within': {
          const of = childOf(conditions, 'of');
          const tolerance = readTolerance(entry.node, 'within', problems);
          const nodes = of?.kind === 'list' ? of.items : of === undefined ? [] : [of];
          if (nodes.length === 0)
            problems.add(at, '"within" needs "of", the metric that it is a distance from', 'within: 1.0, of: metric');
          return nodes.flatMap((node): Expectation[] => {
            if (node.kind !== 'scalar' || typeof node.value !== 'string') {
              problems.add(node.at, '"of" must name a metric of this step');
              return [];
            }
            checkMetric(node.value, node.at);
            return tolerance === undefined ? [] : [{ metric, at, operator, other: node.value, tolerance }];
          });
        }
        case 'of':
          if (!conditions.entries.has('within')) problems.add(at, '"of" goes with "within"', 'add within: distance');
          return [];
        case 'tolerance':
          if (!conditions.entries.has('equals'))
            problems.add(at, '"tolerance" goes with "equals"', 'add equals: value');
          return [];
        default:
          problems.add(at, `unknown condition "${operator}"`, knownNamesHint(operator, KEYS, 'conditions'));
          return [];
      }
    });
  });
}

function numberOf(node: LocatedNode, operator: string, problems: ProblemList): number | undefined {
  if (node.kind === 'scalar' && typeof node.value === 'number') return node.value;
  if (!(node.kind === 'scalar' && node.invalid)) problems.add(node.at, `"${operator}" must be a number`);
  return undefined;
}

function readTolerance(node: LocatedNode | undefined, key: string, problems: ProblemList): Tolerance | undefined {
  if (node === undefined) return { absolute: 0 };
  if (node.kind === 'scalar' && typeof node.value === 'number' && node.value >= 0) return { absolute: node.value };
  const percent = node.kind === 'scalar' ? /^(\d+(?:\.\d+)?)\s*%$/.exec(String(node.value)) : null;
  if (percent !== null) return { relative: Number(percent[1]) / 100 };
  problems.add(node.at, `"${key}" must be a number, at least 0, or a percentage`, 'for example 0.5 or 3%');
  return undefined;
}

/** Expectations as a recipe writes them: conditions by metric. */
export function plainExpectations(expectations: readonly Expectation[]): Record<string, Record<string, unknown>> {
  const byMetric: Record<string, Record<string, unknown>> = {};
  for (const expectation of expectations) {
    const conditions = byMetric[expectation.metric] ?? {};
    byMetric[expectation.metric] = conditions;
    // The distance of "within" is the same for all metrics of its "of".
    for (const [key, value] of Object.entries(plainCondition(expectation)))
      conditions[key] = key in conditions && key !== 'within' ? [conditions[key], value].flat() : value;
  }
  return byMetric;
}

function plainCondition(condition: Condition): Record<string, unknown> {
  switch (condition.operator) {
    case 'at_most':
    case 'at_least':
      return { [condition.operator]: condition.value };
    case 'equals':
      return { equals: condition.value, tolerance: showTolerance(condition.tolerance) };
    case 'less_than_metric':
    case 'more_than_metric':
      return { [condition.operator]: condition.other };
    case 'at_most_times':
      return { at_most_times: { metric: condition.other, factor: condition.factor } };
    case 'within':
      return { within: showTolerance(condition.tolerance), of: condition.other };
  }
}

function showTolerance(tolerance: Tolerance): number | string {
  // Rounded, because 0.035 * 100 is not 3.5.
  return 'absolute' in tolerance ? tolerance.absolute : `${Number((tolerance.relative * 100).toPrecision(12))}%`;
}

/** Compares metrics with expectations. */
export function checkExpectations(step: string, expectations: readonly Expectation[], metrics: Metrics): Miss[] {
  return expectations.flatMap((expectation) => {
    const actual = metrics[expectation.metric];
    const wanted = describeCondition(expectation, metrics);
    const base = { step, metric: expectation.metric, location: expectation.at };
    if (actual === undefined) {
      const hint = knownNamesHint(expectation.metric, Object.keys(metrics), 'metrics');
      return [{ ...base, message: `${step} has no metric ${expectation.metric}, expected ${wanted}; ${hint}` }];
    }
    if (holds(expectation, actual, metrics)) return [];
    return [
      { ...base, actual, message: `${expectation.metric} of ${step} is ${showMetric(actual)}, expected ${wanted}` },
    ];
  });
}

function holds(expectation: Expectation, actual: number, metrics: Metrics): boolean {
  switch (expectation.operator) {
    case 'at_most':
      return actual <= expectation.value;
    case 'at_least':
      return actual >= expectation.value;
    case 'equals':
      return isNear(actual, expectation.value, expectation.tolerance);
    case 'within':
      return isNear(actual, metrics[expectation.other] ?? Number.NaN, expectation.tolerance);
    case 'less_than_metric':
      return actual < (metrics[expectation.other] ?? Number.NaN);
    case 'more_than_metric':
      return actual > (metrics[expectation.other] ?? Number.NaN);
    case 'at_most_times':
      return actual <= expectation.factor * (metrics[expectation.other] ?? Number.NaN);
  }
}

function isNear(actual: number, value: number, tolerance: Tolerance): boolean {
  const allowed = 'absolute' in tolerance ? tolerance.absolute : tolerance.relative * Math.abs(value);
  return Math.abs(actual - value) <= allowed;
}

/** A metric to five significant digits. */
function showMetric(value: number | undefined): string {
  return value === undefined ? 'missing' : String(Number(value.toPrecision(5)));
}

/** The condition in words: `at most 95`, with the values of the metrics it names. */
export function describeCondition(expectation: Condition, metrics: Metrics): string {
  switch (expectation.operator) {
    case 'at_most':
      return `at most ${expectation.value}`;
    case 'at_least':
      return `at least ${expectation.value}`;
    case 'equals':
      return `${expectation.value} ± ${showTolerance(expectation.tolerance)}`;
    case 'less_than_metric':
      return `less than ${expectation.other} (${showMetric(metrics[expectation.other])})`;
    case 'more_than_metric':
      return `more than ${expectation.other} (${showMetric(metrics[expectation.other])})`;
    case 'at_most_times':
      return `at most ${expectation.factor} times ${expectation.other} (${showMetric(metrics[expectation.other])})`;
    case 'within':
      return `within ${showTolerance(expectation.tolerance)} of ${expectation.other} (${showMetric(metrics[expectation.other])})`;
  }
}
