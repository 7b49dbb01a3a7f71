/** The rows of the results table out of a run's results. */
import type { Artifact } from '@t2r/core';
import { describeAttention } from './checkpoint.js';
import { collectGenerationCurve } from './generation.js';
import type { GenerationPoint, ResultRow } from './types.js';

/** What the rows are made from; a whole `Artifact` fits. */
export type RowSource = Pick<Artifact, 'id' | 'kind' | 'metrics' | 'folder' | 'seconds'>;

export interface CollectRowsOptions {
  /** Step id of the checkpoint the others are compared with; default: the first one with a test perplexity. */
  baseline?: string;
}

/** The rows (every checkpoint that was evaluated, in recipe order) and the id of the one they are compared with. */
export async function collectRows(
  sources: readonly RowSource[],
  { baseline }: CollectRowsOptions = {},
): Promise<{ rows: ResultRow[]; baseline?: string }> {
  const evaluations = sources.filter(({ kind }) => kind === 'metrics');
  const metrics = Object.assign({}, ...evaluations.map((source) => source.metrics)) as Record<string, number>;
  const farthest = new Map<string, GenerationPoint>();
  for (const point of collectGenerationCurve(evaluations)) farthest.set(point.step, point);
  const rows: ResultRow[] = [];
  for (const { id, kind, folder, seconds, metrics: own } of sources) {
    if (kind !== 'checkpoint') continue;
    const speed = farthest.get(id);
    const [valid, test] = [metrics[`${id}.valid`], metrics[`${id}.test`]];
    if (valid === undefined && test === undefined && speed === undefined) continue;
    rows.push({
      id,
      attention: await describeAttention(folder),
      steps: own.steps ?? 0,
      valid,
      test,
      bitsPerByte: metrics[`${id}.test.bits_per_byte`] ?? metrics[`${id}.valid.bits_per_byte`],
      tokensPerSecond: speed?.tokensPerSecond,
      stateBytes: speed?.stateBytes,
      position: speed?.position,
      seconds,
    });
  }
  const reference = rows.find(({ id, test }) => test !== undefined && (baseline === undefined || id === baseline));
  for (const row of rows) {
    if (reference?.test === undefined || row.test === undefined || row === reference) continue;
    row.delta = row.test / reference.test - 1;
  }
  return { rows, baseline: reference?.id };
}
