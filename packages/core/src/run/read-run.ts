/** Reads a run folder back, while the run goes on or later: what a report is made from. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { UserError } from '../errors.js';
import type { TimedEvent } from '../events.js';
import { checkExpectations, describeCondition, readExpectations } from '../recipe/expectation.js';
import { fromValue } from '../recipe/located.js';
import { ProblemList } from '../recipe/problem.js';
import type { Artifact } from '../step.js';
import { readResult, resultFolderName } from './result.js';

/** What a recipe expected of a metric, and what came out. */
export interface JudgedExpectation {
  step: string;
  metric: string;
  /** In words: `at most 95`. */
  expected: string;
  /** Absent when the step has no such metric. */
  actual?: number;
  met: boolean;
}

export interface RunRecord {
  name: string;
  folder: string;
  /** The resolved recipe, YAML. */
  recipe: string;
  /** Results of the steps that are finished, in recipe order. */
  artifacts: Artifact[];
  /** Of the finished steps, in recipe order. */
  expectations: JudgedExpectation[];
  /** Everything that happened in this folder, oldest first. */
  events: TimedEvent[];
}

const resolvedSchema = z.object({
  name: z.string(),
  steps: z.record(z.string(), z.looseObject({ expect: z.unknown().optional() })),
});

/**
 * Reads a run folder. Of several results of a step, the one that the folder's last run made or found is taken.
 * @throws UserError where the folder is not that of a run.
 */
export async function readRun(path: string): Promise<RunRecord> {
  const folder = resolve(path);
  const recipeFile = join(folder, 'recipe.resolved.yaml');
  let recipe: string;
  try {
    recipe = await readFile(recipeFile, 'utf8');
  } catch (cause) {
    throw new UserError(`${path} is not the folder of a run: it has no recipe.resolved.yaml`, {
      hint: 'Runs lie in runs/<name of the recipe>.',
      cause,
    });
  }
  const parsed = resolvedSchema.safeParse(parse(recipe));
  if (!parsed.success) {
    throw new UserError(`${recipeFile} is damaged`, { hint: 'Run the recipe again: finished steps are kept.' });
  }
  const events = await readEvents(join(folder, 'events.jsonl'));
  const keys = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'step-end' && (event.status === 'done' || event.status === 'cached'))
      keys.set(event.step, event.key);
  }
  const artifacts: Artifact[] = [];
  const expectations: JudgedExpectation[] = [];
  for (const [id, { expect }] of Object.entries(parsed.data.steps)) {
    const key = keys.get(id);
    if (key === undefined) continue;
    const stored = await readResult(join(folder, resultFolderName(id, key)), key);
    if (stored.state !== 'done') continue;
    artifacts.push(stored.artifact);
    expectations.push(...judge(stored.artifact, expect, recipeFile));
  }
  return { name: parsed.data.name, folder, recipe, artifacts, expectations, events };
}

/** Compares a result with what the resolved recipe, which has been validated, expects of it. */
function judge({ id, metrics }: Artifact, expect: unknown, file: string): JudgedExpectation[] {
  if (expect === undefined) return [];
  const expectations = readExpectations(fromValue(expect, { file }), undefined, new ProblemList());
  return expectations.map((expectation) => ({
    step: id,
    metric: expectation.metric,
    expected: describeCondition(expectation, metrics),
    actual: metrics[expectation.metric],
    met: checkExpectations(id, [expectation], metrics).length === 0,
  }));
}

/** The events of a log; lines that a killed run left unfinished are passed over. */
async function readEvents(path: string): Promise<TimedEvent[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as TimedEvent];
    } catch {
      return [];
    }
  });
}
