/**
 * Runs a recipe's steps in this process, one after another. Results are kept by content key: a step whose result is in
 * the run folder is not run again, and one that was interrupted is run in the folder it left, where it finds its checkpoints.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';
import { stringify } from 'yaml';
import { UserError } from '../errors.js';
import type { RunEvent, TimedEvent } from '../events.js';
import { explainWriteError, removeTemporaries, writeFileAtomic, writeJsonAtomic } from '../files.js';
import { knownNamesHint } from '../nearest.js';
import { checkExpectations, type Miss } from '../recipe/expectation.js';
import { type Recipe, type RecipeStep, resolvedRecipe } from '../recipe/recipe.js';
import type { Artifact, StepContext } from '../step.js';
import { type EventLog, openEventLog } from './event-log.js';
import { stepKey } from './keys.js';
import { takeLock } from './lock.js';
import { readResult, resultFolderName, writeResult } from './result.js';
import { type RunError, type RunSummary, runError, type StepSummary } from './summary.js';

export interface RunOptions {
  /** Folder of all runs. Default `runs`. */
  runsFolder?: string;
  /** When aborted, the running step saves and stops, and the rest is skipped. */
  signal?: AbortSignal;
  onEvent?: (event: TimedEvent) => void;
  /** Ids of steps whose results and checkpoints are thrown away first. */
  force?: readonly string[];
  /** Run only this step and what it needs. */
  onlyUntil?: string;
}

/** Everything the steps of one run share. */
interface RunState {
  recipe: Recipe;
  folder: string;
  log: EventLog;
  signal: AbortSignal;
  artifacts: Map<string, Artifact>;
  force: ReadonlySet<string>;
}

/** Ids of the steps that `names` mean: an id, or the base id of all cells of a matrix. */
function stepsNamed(recipe: Recipe, names: readonly string[], flag: string): RecipeStep[] {
  return names.flatMap((name) => {
    const found = recipe.steps.filter((step) => step.id === name || step.base === name);
    if (found.length > 0) return found;
    const hint = knownNamesHint(
      name,
      recipe.steps.map((step) => step.id),
      'steps',
    );
    throw new UserError(`${flag}: the recipe has no step "${name}"`, { hint });
  });
}

function withInputs(recipe: Recipe, targets: readonly RecipeStep[]): Set<string> {
  const wanted = new Set<string>();
  const add = (step: RecipeStep) => {
    if (wanted.has(step.id)) return;
    wanted.add(step.id);
    for (const other of recipe.steps) if (step.step.readsAll || step.inputs.includes(other.id)) add(other);
  };
  targets.forEach(add);
  return wanted;
}

/**
 * Runs a recipe.
 * A failed step does not stop steps that do not need it, so that reports are still made; a disk that cannot be written does.
 * @throws UserError when nothing could be run: the folder cannot be written or is in use, an unknown step was named.
 */
export async function runRecipe(recipe: Recipe, options: RunOptions = {}): Promise<RunSummary> {
  const { runsFolder = 'runs', signal = new AbortController().signal } = options;
  const force = new Set(stepsNamed(recipe, options.force ?? [], '--force').map((step) => step.id));
  const until = options.onlyUntil === undefined ? recipe.steps : stepsNamed(recipe, [options.onlyUntil], '--until');
  const wanted = withInputs(recipe, until);
  const folder = resolve(runsFolder, recipe.name);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw explainWriteError(error, folder);
  }
  const release = await takeLock(join(folder, '.lock'));
  try {
    await removeTemporaries(folder);
    await writeFileAtomic(join(folder, 'recipe.resolved.yaml'), stringify(resolvedRecipe(recipe)));
    const log = openEventLog(join(folder, 'events.jsonl'), options.onEvent);
    try {
      const state: RunState = { recipe, folder, log, signal, artifacts: new Map(), force };
      const summary = await runSteps(
        state,
        recipe.steps.filter((step) => wanted.has(step.id)),
      );
      await writeSummary(summary);
      return summary;
    } finally {
      log.close();
    }
  } finally {
    await release();
  }
}

async function writeSummary(summary: RunSummary): Promise<void> {
  try {
    await writeJsonAtomic(join(summary.folder, 'summary.json'), summary);
  } catch (error) {
    // Where a step has failed already (a full disk, most likely), that is what the user must hear.
    if (summary.error === undefined) throw error;
  }
}

async function runSteps(state: RunState, steps: readonly RecipeStep[]): Promise<RunSummary> {
  const { recipe, signal } = state;
  const summaries = new Map<string, StepSummary>();
  const keys = new Map<string, string>();
  const misses: Miss[] = [];
  let firstError: RunError | undefined;
  let stop = false;
  for (const step of steps) {
    const lacking = step.inputs.some((id) => !state.artifacts.has(id));
    if (stop || signal.aborted || lacking) {
      summaries.set(step.id, { status: 'skipped', seconds: 0, metrics: {} });
      emitEnd(state.log, { step: step.id, key: '', status: 'skipped', seconds: 0 });
      continue;
    }
    const { summary, error } = await runStep(state, step, keys);
    summaries.set(step.id, summary);
    if (summary.status === 'done' || summary.status === 'cached') {
      keys.set(step.id, summary.key!);
      misses.push(...checkExpectations(step.id, step.expect, summary.metrics));
    }
    firstError ??= summary.error;
    stop ||= isDiskError(error);
  }
  const interrupted = signal.aborted && [...summaries.values()].some(({ status }) => isUnfinished(status));
  const failed = firstError !== undefined || misses.length > 0;
  return {
    name: recipe.name,
    folder: state.folder,
    status: interrupted ? 'interrupted' : failed ? 'failed' : 'done',
    steps: Object.fromEntries(summaries),
    misses,
    ...(firstError === undefined ? {} : { error: firstError, resume: RESUME_FAILED }),
    ...(interrupted ? { resume: RESUME_INTERRUPTED } : {}),
  };
}

const RESUME_FAILED = 'Mend the cause and run the same command again: finished steps are kept.';
const RESUME_INTERRUPTED =
  'Run the same command again: finished steps are kept, and the interrupted one goes on from its last checkpoint.';

const isUnfinished = (status: StepSummary['status']) => status === 'interrupted' || status === 'skipped';

const DISK_ERRORS = new Set(['ENOSPC', 'EDQUOT', 'EROFS']);

/** True for errors that every other step would meet as well. */
function isDiskError(error: unknown): boolean {
  const cause = error instanceof UserError ? error.cause : error;
  return DISK_ERRORS.has((cause as NodeJS.ErrnoException | undefined)?.code ?? '');
}

async function runStep(
  state: RunState,
  step: RecipeStep,
  keys: ReadonlyMap<string, string>,
): Promise<{ summary: StepSummary; error?: unknown }> {
  const { log, signal } = state;
  const began = performance.now();
  let key: string | undefined;
  let folder: string | undefined;
  try {
    key = await stepKey(state.recipe, step, keys);
    folder = join(state.folder, resultFolderName(step.id, key));
    if (state.force.has(step.id)) await rm(folder, { recursive: true, force: true });
    const stored = await readResult(folder, key);
    if (stored.state === 'corrupt')
      log.sink(step.id).warn(`${join(folder, 'result.json')}: ${stored.why}; running again`);
    const cached = stored.state === 'done';
    log.emit({ type: 'step-start', step: step.id, key, cached });
    const artifact = cached ? stored.artifact : await execute(state, step, key, folder);
    state.artifacts.set(step.id, artifact);
    const status = cached ? 'cached' : 'done';
    log.emit({ type: 'step-end', step: step.id, key, status, seconds: artifact.seconds });
    return { summary: { key, status, seconds: artifact.seconds, metrics: artifact.metrics, folder } };
  } catch (thrown) {
    const seconds = (performance.now() - began) / 1000;
    const explained = explainStepError(thrown, folder ?? state.folder, state);
    // Saving at a signal may fail too, and the user must hear of that.
    const status = signal.aborted && !(explained instanceof UserError) ? 'interrupted' : 'failed';
    const error = status === 'failed' ? explained : undefined;
    emitEnd(log, { step: step.id, key: key ?? '', status, seconds });
    const described = error === undefined ? {} : { error: runError(step.id, error) };
    return { summary: { key, status, seconds, metrics: {}, folder, ...described }, error };
  }
}

/** Notes that a step came to nothing. The log may be what could not be written; the step's own error says so. */
function emitEnd(log: EventLog, end: Omit<Extract<RunEvent, { type: 'step-end' }>, 'type'>): void {
  try {
    log.emit({ type: 'step-end', ...end });
  } catch {}
}

/**
 * Says what the user can do about a step's error. A file system error on the way to the run folder is about writing, one on
 * another path the step's own affair; where a file of an earlier step is damaged, that step is to be run again.
 */
function explainStepError(error: unknown, folder: string, { folder: runFolder, artifacts }: RunState): unknown {
  const isWithin = (path: string, parent: string) => path === parent || path.startsWith(parent + sep);
  if (error instanceof UserError) {
    const { message, location, cause } = error;
    const source = [...artifacts.values()].find((artifact) => isWithin(location?.file ?? '', artifact.folder));
    if (source === undefined) return error;
    const hint = `The result of step ${source.id} is damaged: run again with --force ${source.id}, which makes it anew.`;
    return new UserError(message, { location, hint, cause });
  }
  const path = (error as NodeJS.ErrnoException | undefined)?.path;
  return path === undefined || isWithin(path, runFolder) ? explainWriteError(error, path ?? folder) : error;
}

async function execute(state: RunState, step: RecipeStep, key: string, folder: string): Promise<Artifact> {
  const { recipe, artifacts } = state;
  await mkdir(folder, { recursive: true });
  await removeTemporaries(folder);
  const context: StepContext = {
    id: step.id,
    folder,
    seed: recipe.seed,
    engineSpec: recipe.engine,
    events: state.log.sink(step.id),
    signal: state.signal,
    run: { name: recipe.name, folder: state.folder },
    create: (kind, spec) => recipe.registry.create(kind, spec),
    input: (ref) => {
      const artifact = artifacts.get(ref.step);
      if (artifact === undefined)
        throw new Error(`step ${step.id} asked for "${ref.step}", which is not among its inputs`);
      return artifact;
    },
    all: () => [...artifacts.values()],
  };
  const began = performance.now();
  const { metrics = {}, data = null } = await step.step.run(context);
  const seconds = (performance.now() - began) / 1000;
  const artifact: Artifact = {
    id: step.id,
    use: step.use,
    kind: step.step.produces,
    key,
    folder,
    metrics,
    data,
    seconds,
  };
  await writeResult(artifact);
  return artifact;
}
