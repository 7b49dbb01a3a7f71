/** Turns a run into the report's data: rows, curves, expectations, samples. */
import type { Artifact } from '@t2r/core';
import { describeAttention, trainedSteps } from './checkpoint.js';
import { describeEnvironment } from './environment.js';
import { collectExpectations } from './expectations.js';
import { collectGenerationCurve, collectSamples } from './generation.js';
import { collectPoints } from './points.js';
import type { GenerationPoint, ReportData, ResultRow, RunData } from './types.js';

export interface CollectOptions {
  /** Heading of the page; default: the run's name. */
  title?: string;
  /** Step id of the checkpoint the others are compared with; default: the first one with a perplexity. */
  baseline?: string;
}

/** The rows of the results table: every checkpoint that was evaluated, in recipe order. */
export async function collectRows(
  { artifacts, steps }: Pick<RunData, 'artifacts' | 'steps'>,
  { baseline }: CollectOptions = {},
): Promise<{ rows: ResultRow[]; baseline?: string }> {
  const metrics = Object.assign({}, ...artifacts.map((artifact) => artifact.metrics)) as Record<string, number>;
  const last = lastPoints(collectGenerationCurve(artifacts));
  const rows: ResultRow[] = [];
  for (const artifact of artifacts) {
    if (artifact.kind !== 'checkpoint') continue;
    const { id } = artifact;
    const speed = last.get(id);
    const [valid, test] = [metrics[`${id}.valid`], metrics[`${id}.test`]];
    if (valid === undefined && test === undefined && speed === undefined) continue;
    rows.push({
      id,
      attention: await describeAttention(artifact),
      steps: trainedSteps(artifact, steps[id]),
      valid,
      test,
      bitsPerByte: metrics[`${id}.test.bits_per_byte`] ?? metrics[`${id}.valid.bits_per_byte`],
      tokensPerSecond: speed?.tokensPerSecond,
      stateBytes: speed?.stateBytes,
      position: speed?.position,
      seconds: artifact.seconds,
    });
  }
  const reference = rows.find(({ id, test }) => (baseline === undefined ? test !== undefined : id === baseline));
  for (const row of rows) {
    if (reference?.test === undefined || row.test === undefined || row === reference) continue;
    row.delta = row.test / reference.test - 1;
  }
  return { rows, baseline: reference?.test === undefined ? undefined : reference.id };
}

/** The farthest measured point of each checkpoint's generation curve. */
function lastPoints(curve: readonly GenerationPoint[]): Map<string, GenerationPoint> {
  const last = new Map<string, GenerationPoint>();
  for (const point of curve) {
    if (point.position >= (last.get(point.step)?.position ?? 0)) last.set(point.step, point);
  }
  return last;
}

/** Everything the page shows. */
export async function collectReport(run: RunData, options: CollectOptions = {}): Promise<ReportData> {
  const { artifacts, events } = run;
  const { rows, baseline } = await collectRows(run, options);
  const points = collectPoints(events, artifacts);
  return {
    format: 't2r-report',
    version: 1,
    name: run.name,
    title: options.title ?? run.name,
    created: new Date().toISOString(),
    baseline,
    rows,
    expectations: collectExpectations(run),
    protocol: collectProtocols(artifacts),
    loss: points.filter(({ series }) => /loss/.test(series)),
    generation: collectGenerationCurve(artifacts),
    samples: collectSamples(artifacts),
    steps: artifacts.map(({ id, use, key, seconds, metrics }) => ({ id, use, key, seconds, metrics })),
    environment: await describeEnvironment(),
    recipe: run.recipe,
  };
}

/** How perplexity was measured, as each evaluation says it in its data. */
function collectProtocols(artifacts: readonly Artifact[]): string[] {
  return artifacts.flatMap(({ data }) => {
    const protocol = (data as { protocol?: unknown } | null | undefined)?.protocol;
    return [protocol].flat().filter((line): line is string => typeof line === 'string');
  });
}
