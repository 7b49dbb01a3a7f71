/** The generation curve out of the metrics of `evaluate/generation`. */
import type { Artifact } from '@t2r/core';
import type { GenerationPoint } from './types.js';

/** `<checkpoint>.<figure>@<position>`, as `evaluate/generation` names its metrics. */
const METRIC = /^(.+)\.(tokens_per_s|state_bytes|rss_bytes)@(\d+)$/;
const FIELDS = { tokens_per_s: 'tokensPerSecond', state_bytes: 'stateBytes', rss_bytes: 'rssBytes' } as const;

/** The curve of all `evaluate/generation` steps together: by checkpoint in the order given, then by position. */
export function collectGenerationCurve(artifacts: readonly Pick<Artifact, 'metrics'>[]): GenerationPoint[] {
  const points = new Map<string, GenerationPoint>();
  for (const { metrics } of artifacts) {
    for (const [name, value] of Object.entries(metrics)) {
      const [, step, figure, position] = METRIC.exec(name) ?? [];
      if (step === undefined) continue;
      const point = points.get(`${step}@${position}`) ?? { step, position: Number(position) };
      point[FIELDS[figure as keyof typeof FIELDS]] = value;
      points.set(`${step}@${position}`, point);
    }
  }
  const order = [...new Set([...points.values()].map(({ step }) => step))];
  return [...points.values()].sort(
    (left, right) => order.indexOf(left.step) - order.indexOf(right.step) || left.position - right.position,
  );
}
