import type { RunEvent } from '@t2r/core';
import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { createProgress } from './progress.js';

/** Plays events to a display; a number lets so many seconds pass. Returns what was written. */
function play(live: boolean, script: (RunEvent | number)[]): string {
  let text = '';
  let time = 0;
  const progress = createProgress({
    stream: { write: (part) => (text += part), columns: 60 },
    live,
    colors: picocolors.createColors(false),
    now: () => time,
  });
  for (const item of script) {
    if (typeof item === 'number') time += item * 1000;
    else progress.event(item);
  }
  return text;
}

const start: RunEvent = { type: 'step-start', step: 'pretrain', key: 'k', cached: false };
const end: RunEvent = { type: 'step-end', step: 'pretrain', key: 'k', status: 'done', seconds: 200 };
const at = (done: number): RunEvent => ({
  type: 'progress',
  step: 'pretrain',
  done,
  total: 2000,
  unit: 'steps',
  values: { loss: 3.25, tokens_per_s: 3912.4 },
});

describe('progress on a terminal', () => {
  it('overwrites one line, cut to the width, and leaves one line a step', () => {
    const text = play(true, [start, 1, at(10), 1, at(20), 1, end]);
    expect(text.split('\n')).toHaveLength(2);
    const frames = text.split('\r\u001b[2K');
    expect(frames[2]).toMatch(/^ {2}pretrain {2}20\/2,000 steps {2}loss 3\.250 {2}3912 tokens\/s/);
    expect(Math.max(...frames.map((frame) => frame.trimEnd().length))).toBeLessThan(60);
    expect(frames.at(-1)).toBe('✓ pretrain  3 min 20 s\n');
  });
});

describe('progress in a log', () => {
  it('prints a line for every tenth, with the time left', () => {
    const ticks = Array.from({ length: 100 }, (_, index) => [1, at(20 * (index + 1))]).flat();
    const lines = play(false, [start, ...ticks, end])
      .trim()
      .split('\n');
    expect(lines).toHaveLength(11);
    // 1 s for 20 steps: at 200 of 2,000 there are 90 s left.
    expect(lines[0]).toBe('pretrain  200/2,000 steps  loss 3.250  3912 tokens/s  1 min 30 s left');
    expect(lines.join('')).not.toContain('\u001b');
  });

  it('is not silent for longer than half a minute, nor printed to for less than ten seconds', () => {
    const slow = Array.from({ length: 100 }, (_, index) => [1, at(index + 1)]).flat();
    expect(
      play(false, [start, ...slow])
        .trim()
        .split('\n'),
    ).toHaveLength(3);
    const fast = Array.from({ length: 20 }, (_, index) => [0.5, at(100 * (index + 1))]).flat();
    expect(
      play(false, [start, ...fast])
        .trim()
        .split('\n'),
    ).toHaveLength(1);
  });

  it('reckons the time left of a resumed step from this run only', () => {
    const text = play(false, [start, at(1000), 100, at(1500)]);
    expect(text).toContain('1 min 40 s left');
  });

  it('says what happened to each step', () => {
    const text = play(false, [
      { ...end, status: 'cached' } as RunEvent,
      { ...end, status: 'failed' } as RunEvent,
      { ...end, status: 'interrupted' } as RunEvent,
      { type: 'log', step: 'swap', level: 'warning', message: 'odd' },
      { type: 'log', step: 'swap', level: 'info', message: 'usual' },
    ]);
    expect(text).toContain('= pretrain  kept from an earlier run');
    expect(text).toContain('✗ pretrain  failed after 3 min 20 s');
    expect(text).toContain('‖ pretrain  interrupted after');
    expect(text).toContain('warning  swap: odd');
    expect(text).not.toContain('usual');
  });
});
