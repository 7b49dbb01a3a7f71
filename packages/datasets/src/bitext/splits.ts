/** The splits of a bitext as its options name them. */
import { type StepProblem, UserError } from '@t2r/core';
import type { BitextOptions, Part } from './schema.js';

export interface LocatedPart {
  part: Part;
  /** Path of the option. */
  at: (string | number)[];
}

export interface PlannedSplit {
  name: string;
  parts: LocatedPart[];
}

const isPart = (value: object): value is Part =>
  ['tsv', 'csv', 'source'].some((key) => typeof (value as Record<string, unknown>)[key] === 'string');

function partsAt(value: Part | Part[], at: (string | number)[]): LocatedPart[] {
  if (!Array.isArray(value)) return [{ part: value, at }];
  return value.map((part, i) => ({ part, at: [...at, i] }));
}

/** Splits that are read from files, in order; a held-out validation split is not among them. */
export function plannedSplits({ train, valid, test }: BitextOptions): PlannedSplit[] {
  const splits: PlannedSplit[] = [{ name: 'train', parts: partsAt(train, ['train']) }];
  if (valid !== undefined && (Array.isArray(valid) || !('every' in valid)))
    splits.push({ name: 'valid', parts: partsAt(valid, ['valid']) });
  if (test === undefined) return splits;
  if (Array.isArray(test) || isPart(test)) splits.push({ name: 'test', parts: partsAt(test, ['test']) });
  else {
    for (const [name, value] of Object.entries(test)) splits.push({ name, parts: partsAt(value, ['test', name]) });
  }
  return splits;
}

/** Of how many training pairs one goes to the validation split, where it is held out. */
export const heldOut = ({ valid }: BitextOptions): number | undefined =>
  valid !== undefined && !Array.isArray(valid) && 'every' in valid ? valid.every : undefined;

/** Names of all splits, in the order of their use. */
export function splitNames(options: BitextOptions): string[] {
  const names = plannedSplits(options).map(({ name }) => name);
  return heldOut(options) === undefined ? names : ['train', 'valid', ...names.slice(1)];
}

/** Whether a split is a test set: its pairs all count, whatever they look like. */
export const isTestSplit = (split: string) => split !== 'train' && split !== 'valid';

/** Names that a part's files have below the root or in their archive. */
export const namesOf = (part: Part): string[] =>
  'tsv' in part ? [part.tsv] : 'csv' in part ? [part.csv] : [part.source, part.target];

/** Names of splits and languages that would clash. */
export function checkNames(options: BitextOptions): StepProblem[] {
  const problems: StepProblem[] = [];
  if (options.source === options.target) {
    const message = `both sides are named ${options.source}, and files are named after them`;
    problems.push({ path: ['target'], message, hint: 'give them different names' });
  }
  for (const { name, parts } of plannedSplits(options)) {
    if (parts[0]?.at[0] !== 'test' || (/^[\w-]+$/.test(name) && isTestSplit(name))) continue;
    const message = `a test set cannot be named "${name}"`;
    problems.push({ path: ['test', name], message, hint: 'use letters, digits, - and _; not train or valid' });
  }
  const names = splitNames(options);
  for (const [i, split] of options.filter.splits.entries()) {
    if (names.includes(split)) continue;
    const message = `there is no split "${split}" to filter`;
    problems.push({ path: ['filter', 'splits', i], message, hint: `splits: ${names.join(', ')}` });
  }
  return problems;
}

/** @throws UserError naming the splits there are. */
export function checkBitextSplit(splits: readonly string[], split: string): void {
  if (splits.includes(split)) return;
  throw new UserError(`the parallel text has no split "${split}"`, { hint: `its splits: ${splits.join(', ')}` });
}
