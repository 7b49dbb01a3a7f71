/** Curves out of a run's events. */
import type { Artifact, TimedEvent } from '@t2r/core';
import type { CurvePoint } from './types.js';

/** More points than this on one curve are averaged in groups: a page is some 700 pixels wide. */
const MAX_POINTS = 400;

/** Series of `train/lm` that are losses, by the name the report gives them; perplexities become nats. */
const LOSSES: Record<string, { name: string; toNats: (y: number) => number }> = {
  'train.loss': { name: 'training', toNats: (loss) => loss },
  'valid.perplexity': { name: 'validation', toNats: Math.log },
};

/** Training and validation losses against optimizer steps, in nats per token. */
export function collectLoss(
  events: readonly TimedEvent[],
  artifacts: readonly Pick<Artifact, 'id' | 'key'>[],
): CurvePoint[] {
  return collectPoints(events, artifacts).flatMap(({ step, series, x, y }) => {
    const loss = LOSSES[series];
    return loss === undefined ? [] : [{ step, series: loss.name, x, y: loss.toNats(y) }];
  });
}

/**
 * The points that led to the given artifacts. A step that ran again with other options (another key) starts its curves
 * anew; one that was resumed goes on, and a position that was computed twice counts once.
 */
export function collectPoints(
  events: readonly TimedEvent[],
  artifacts: readonly Pick<Artifact, 'id' | 'key'>[],
): CurvePoint[] {
  const keys = new Map(artifacts.map(({ id, key }) => [id, key]));
  const current = new Map<string, string>();
  const curves = new Map<string, { step: string; series: string; points: Map<number, number> }>();
  for (const event of events) {
    if (event.type === 'step-start') current.set(event.step, event.key);
    if (event.type !== 'point' || !keys.has(event.step)) continue;
    const key = current.get(event.step);
    if (key !== undefined && key !== keys.get(event.step)) continue;
    const name = `${event.step}\n${event.series}`;
    let curve = curves.get(name);
    if (curve === undefined) {
      curve = { step: event.step, series: event.series, points: new Map() };
      curves.set(name, curve);
    }
    curve.points.set(event.x, event.y);
  }
  const order = new Map(artifacts.map(({ id }, index) => [id, index]));
  return [...curves.values()]
    .sort((left, right) => order.get(left.step)! - order.get(right.step)!)
    .flatMap(({ step, series, points }) =>
      thin([...points].sort(([left], [right]) => left - right)).map(([x, y]) => ({ step, series, x, y })),
    );
}

/** Averages neighbouring points so that at most MAX_POINTS are left. */
function thin(points: [number, number][]): [number, number][] {
  const group = Math.ceil(points.length / MAX_POINTS);
  if (group <= 1) return points;
  const thinned: [number, number][] = [];
  for (let start = 0; start < points.length; start += group) {
    const part = points.slice(start, start + group);
    const mean = (index: 0 | 1) => part.reduce((sum, point) => sum + point[index], 0) / part.length;
    thinned.push([mean(0), mean(1)]);
  }
  return thinned;
}
