/** Writes a run's report into its folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readRun, type StepContext, type StepResult, writeFileAtomic } from '@t2r/core';
import { type CollectOptions, collectReport } from './collect.js';
import type { ReportOptions } from './html-step.js';
import { renderReport } from './render.js';

/** Builds the report of a run folder and writes report.html and report.json into `folders`; returns the first page's path. */
export async function writeReport(
  runFolder: string,
  options: CollectOptions,
  folders: readonly string[],
): Promise<string> {
  const { html, json } = await renderReport(await collectReport(await readRun(runFolder), options));
  for (const folder of folders) {
    await writeFileAtomic(join(folder, 'report.json'), json);
    await writeFileAtomic(join(folder, 'report.html'), html);
  }
  return join(folders[0]!, 'report.html');
}

/** Runs `report/html`: the page is kept as the step's result, and stands in the run folder where it is easily found. */
export async function runReport(options: ReportOptions, { run, folder }: StepContext): Promise<StepResult> {
  return { data: { page: await writeReport(run.folder, options, [run.folder, folder]) } };
}

/**
 * Puts a kept report back into the run folder, where a later one may have taken its place; returns the page's path, or
 * undefined where the step left no page.
 */
export async function restoreReport(stepFolder: string, runFolder: string): Promise<string | undefined> {
  const read = (folder: string, name: string) => readFile(join(folder, name), 'utf8').catch(() => undefined);
  for (const name of ['report.json', 'report.html']) {
    const kept = await read(stepFolder, name);
    if (kept === undefined) return undefined;
    if (kept !== (await read(runFolder, name))) await writeFileAtomic(join(runFolder, name), kept);
  }
  return join(runFolder, 'report.html');
}
