/** Turns a run into the report's data: rows, curves, expectations, samples. */
import type { RunRecord } from '@t2r/core';
import { collectConversions } from './conversions.js';
import { describeEnvironment } from './environment.js';
import { collectProtocols, collectSamples } from './evaluations.js';
import { collectGenerationCurve } from './generation.js';
import { collectLoss } from './points.js';
import { type CollectRowsOptions, collectRows } from './rows.js';
import { collectTranslationSpeed } from './speed.js';
import { collectTranslations } from './translations.js';
import type { ReportData } from './types.js';

export interface CollectOptions extends CollectRowsOptions {
  /** Heading of the page; default: the run's name. */
  title?: string;
}

/** Everything the page shows. */
export async function collectReport(
  run: RunRecord,
  { title = run.name, baseline }: CollectOptions = {},
): Promise<ReportData> {
  const { artifacts } = run;
  return {
    format: 't2r-report',
    version: 1,
    name: run.name,
    title,
    created: new Date().toISOString(),
    ...(await collectRows(artifacts, { baseline })),
    translations: await collectTranslations(artifacts),
    expectations: run.expectations,
    conversions: collectConversions(artifacts),
    protocol: collectProtocols(artifacts),
    loss: collectLoss(run.events, artifacts),
    generation: collectGenerationCurve(artifacts),
    translationSpeed: await collectTranslationSpeed(artifacts),
    samples: collectSamples(artifacts),
    steps: artifacts.map(({ id, use, key, seconds, metrics }) => ({ id, use, key, seconds, metrics })),
    environment: await describeEnvironment(),
    recipe: run.recipe,
  };
}
