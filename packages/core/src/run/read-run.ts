/** Reads a run folder back, while the run goes on or later: what a report is made from. */
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
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
  /** Plugins that the recipe names: npm names and absolute paths. */
  plugins: string[];
  /** Results of the steps that are finished, in recipe order. */
  artifacts: Artifact[];
  /** Of the finished steps, in recipe order. */
  expectations: JudgedExpectation[];
  /** Everything that happened in this folder, oldest first. */
  events: TimedEvent[];
}

const resolvedSchema = z.object({
  name: z.string(),
  plugins: z.array(z.string()).default([]),
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
  const resolved = parseResolved(recipe);
  if (resolved === undefined) {
    throw new UserError(`${recipeFile} is damaged`, { hint: 'Run the recipe again: finished steps are kept.' });
  }
  const events = await readEvents(join(folder, 'events.jsonl'));
  const keys = new Map<string, string>();
  for (const event of events) {
    if (event.type !== 'step-end') continue;
    if (event.status === 'done' || event.status === 'cached') keys.set(event.step, event.key);
    // What an earlier run with other options made is no result of a step that came to nothing this time.
    else keys.delete(event.step);
  }
  const artifacts: Artifact[] = [];
  const expectations: JudgedExpectation[] = [];
  for (const [id, { expect }] of Object.entries(resolved.steps)) {
    const key = keys.get(id);
    if (key === undefined) continue;
    const stored = await readResult(join(folder, resultFolderName(id, key)), key);
    if (stored.state !== 'done') continue;
    artifacts.push(stored.artifact);
    expectations.push(...judge(stored.artifact, expect, recipeFile));
  }
  return { name: resolved.name, folder, recipe, plugins: resolved.plugins, artifacts, expectations, events };
}

function parseResolved(text: string): z.output<typeof resolvedSchema> | undefined {
  try {
    return resolvedSchema.safeParse(parse(text)).data;
  } catch {
    return undefined;
  }
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
  const events: TimedEvent[] = [];
  if (!existsSync(path)) return events;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const event = parseEvent(line);
    if (event !== undefined) events.push(event);
  }
  return events;
}

function parseEvent(line: string): TimedEvent | undefined {
  try {
    const value = JSON.parse(line) as Partial<TimedEvent> | null;
    return typeof value?.type === 'string' && typeof value.step === 'string' ? (value as TimedEvent) : undefined;
  } catch {
    return undefined;
  }
}
