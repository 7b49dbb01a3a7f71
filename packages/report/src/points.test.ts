import type { Artifact, TimedEvent } from '@t2r/core';
import { describe, expect, it } from 'vitest';
import { collectPoints } from './points.js';

const artifact = (id: string, key: string) => ({ id, key }) as Artifact;
const start = (step: string, key: string): TimedEvent => ({ type: 'step-start', step, key, cached: false, time: '' });
const point = (step: string, x: number, y: number): TimedEvent => ({
  type: 'point',
  step,
  series: 'train loss',
  x,
  y,
  time: '',
});

describe('collectPoints', () => {
  it('leaves out what an older version of the step left behind', () => {
    const events = [start('a', 'old'), point('a', 1, 9), start('a', 'new'), point('a', 1, 5)];
    expect(collectPoints(events, [artifact('a', 'new')])).toEqual([{ step: 'a', series: 'train loss', x: 1, y: 5 }]);
  });

  it('joins the parts of an interrupted step and counts a repeated position once', () => {
    const events = [
      start('a', 'k'),
      point('a', 1, 9),
      point('a', 2, 8),
      start('a', 'k'),
      point('a', 2, 8.5),
      point('a', 3, 7),
    ];
    const points = collectPoints(events, [artifact('a', 'k')]);
    expect(points.map(({ x, y }) => [x, y])).toEqual([
      [1, 9],
      [2, 8.5],
      [3, 7],
    ]);
  });

  it('thins a long curve without moving its mean', () => {
    const events = [start('a', 'k'), ...Array.from({ length: 2000 }, (_, x) => point('a', x, x % 7))];
    const points = collectPoints(events, [artifact('a', 'k')]);
    expect(points.length).toBe(400);
    const mean = points.reduce((sum, { y }) => sum + y, 0) / points.length;
    expect(mean).toBeCloseTo(events.slice(1).reduce((sum, event) => sum + (event as { y: number }).y, 0) / 2000, 10);
  });
});
