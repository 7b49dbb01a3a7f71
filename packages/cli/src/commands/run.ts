/** `t2r run`: runs a recipe, shows how it goes, and ends with the results table. */
import { relative } from 'node:path';
import { type Recipe, type RunSummary, readResult, runRecipe } from '@t2r/core';
import {
  collectRows,
  collectTranslations,
  formatTable,
  type RowSource,
  restoreReport,
  resultsTable,
  type TranslationSource,
  translationTable,
} from '@t2r/report';
import { EXIT } from '../failure.js';
import { loadOrExplain } from '../load.js';
import { createProgress } from '../progress.js';
import { listenForSignals } from '../signals.js';
import type { Terminal } from '../terminal.js';

export interface RunCommandOptions {
  set: string[];
  runs: string;
  force: string[];
  until?: string;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** Runs the steps that have no result yet. */
export async function runCommand(
  file: string,
  { set, runs, force, until, json = false, quiet = false, verbose = false }: RunCommandOptions,
  terminal: Terminal,
  debug = false,
): Promise<number> {
  const { out, err, live, columns, colors } = terminal;
  const recipe = await loadOrExplain(file, set, terminal);
  if (recipe === undefined) return EXIT.usage;
  const progress = createProgress({ stream: { write: err, columns }, live, colors, verbose });
  const interruption = listenForSignals(
    terminal,
    'stopping at the next safe place and saving; once more exits at once.',
  );
  let summary: RunSummary;
  try {
    summary = await runRecipe(recipe, {
      runsFolder: runs,
      force,
      onlyUntil: until,
      signal: interruption.signal,
      onEvent: quiet ? undefined : progress.event,
    });
  } finally {
    progress.clear();
    interruption.release();
  }
  if (json) out(`${JSON.stringify(summaryJson(summary))}\n`);
  else await writeResults(recipe, summary, terminal);
  explainOutcome(summary, terminal, debug);
  return interruption.exitCode() ?? exitCodeOf(summary);
}

/** What `--json` prints; the keys are kept stable. `misses` and `error` are there only where something went wrong. */
function summaryJson({ name, folder, status, steps, misses, error }: RunSummary) {
  const short = Object.entries(steps).map(([id, { key, status, seconds, metrics }]) => [
    id,
    { key, status, seconds, metrics },
  ]);
  return {
    name,
    folder,
    status,
    steps: Object.fromEntries(short),
    ...(misses.length > 0 ? { misses: misses.map(({ message }) => message) } : {}),
    ...(error === undefined ? {} : { error: { step: error.step, message: error.message, hint: error.hint } }),
  };
}

async function writeResults(recipe: Recipe, { folder, steps }: RunSummary, { out, colors }: Terminal): Promise<void> {
  const sources: RowSource[] = [];
  const artifacts: TranslationSource[] = [];
  let page: string | undefined;
  let baseline: string | undefined;
  for (const { id, step, options } of recipe.steps) {
    const summary = steps[id];
    if (summary === undefined || (summary.status !== 'done' && summary.status !== 'cached')) continue;
    const { key, folder: stepFolder, metrics, seconds } = summary;
    if (key === undefined || stepFolder === undefined) continue;
    sources.push({ id, kind: step.produces, folder: stepFolder, metrics, seconds });
    const stored = step.produces === 'metrics' ? await readResult(stepFolder, key) : undefined;
    artifacts.push({
      id,
      folder: stepFolder,
      metrics,
      data: stored?.state === 'done' ? stored.artifact.data : undefined,
    });
    if (step.produces !== 'report') continue;
    page = await restoreReport(stepFolder, folder);
    if (typeof options.baseline === 'string') baseline = options.baseline;
  }
  const { rows } = await collectRows(sources, { baseline });
  if (rows.length > 0) out(`\n${formatTable(resultsTable(rows), { bold: colors.bold })}\n`);
  const translations = await collectTranslations(artifacts);
  if (translations.length > 0) out(`\n${formatTable(translationTable(translations), { bold: colors.bold })}\n`);
  if (page !== undefined) out(`\nreport: ${shortPath(page)}\n`);
}

/** Says on stderr what went wrong, and how to go on. */
function explainOutcome({ misses, error, resume }: RunSummary, { err, colors }: Terminal, debug: boolean): void {
  for (const { message } of misses) err(`${colors.red('missed:')} ${message}\n`);
  if (error !== undefined) {
    err(`${colors.red('error:')} step ${error.step}: ${error.message}\n`);
    if (error.hint !== undefined) err(`  ${error.hint}\n`);
    if (!error.user && !debug) err('  This is a bug in t2r. Please report it with what --debug prints.\n');
    if (debug && error.stack !== undefined) err(`${error.stack}\n`);
  }
  // An error's own hint says how to go on.
  if (resume !== undefined && error?.hint === undefined) err(`${resume}\n`);
}

function exitCodeOf({ status, error }: RunSummary): number {
  if (error?.user) return EXIT.usage;
  return status === 'done' ? EXIT.ok : EXIT.failed;
}

/** A path relative to the current folder where it lies below it. */
function shortPath(path: string): string {
  const short = relative('.', path);
  return short.startsWith('..') ? path : short;
}
