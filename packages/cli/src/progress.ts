/**
 * Shows a run's progress on a text stream. On a terminal one live line shows what the running step does; elsewhere a line
 * is printed when a step has come a tenth further, but not within 10 s of the last one and at least every 30 s.
 */
import type { RunEvent, TimedEvent } from '@t2r/core';
import { formatDuration, formatNumber } from '@t2r/report';
import type { Colors } from './terminal.js';

/** Where progress is written: process.stderr, or a list of strings in a test. */
export interface TextSink {
  write(text: string): unknown;
  /** Width of the terminal, characters. */
  columns?: number;
}

export interface ProgressOptions {
  stream: TextSink;
  /** The stream is a terminal: overwrite one line. */
  live: boolean;
  colors: Colors;
  /** Show the steps' notes too, not only their warnings. */
  verbose?: boolean;
  /** Milliseconds now; for tests. */
  now?: () => number;
}

export interface Progress {
  event(event: RunEvent | TimedEvent): void;
  /** Removes the live line; call before writing anything else to the same terminal. */
  clear(): void;
}

/** What is known of the step that is running. */
interface Running {
  /** First progress of this process: a resumed step does not start at 0, and its rate must not count what was there. */
  first?: { at: number; done: number };
  printedAt: number;
  printedTenth: number;
}

const LINE_INTERVAL_MS = 10_000;
const MAX_SILENCE_MS = 30_000;
const FRAME_INTERVAL_MS = 80;

/** A progress display; feed it the run's events. */
export function createProgress({ stream, live, colors, verbose = false, now = Date.now }: ProgressOptions): Progress {
  const running = new Map<string, Running>();
  let shown = false;
  let drawnAt = 0;

  const clear = () => {
    if (shown) stream.write('\r\u001b[2K');
    shown = false;
  };
  const line = (text: string) => {
    clear();
    stream.write(`${text}\n`);
  };
  const progress = (event: Extract<RunEvent, { type: 'progress' }>) => {
    const state = running.get(event.step) ?? start(event.step);
    const at = now();
    state.first ??= { at, done: event.done };
    const text = describe(event, state.first, at);
    if (live) {
      if (at - drawnAt < FRAME_INTERVAL_MS) return;
      drawnAt = at;
      clear();
      stream.write(text.slice(0, (stream.columns ?? 120) - 1));
      shown = true;
      return;
    }
    const tenth = event.total === undefined ? 0 : Math.floor((10 * event.done) / event.total);
    const waited = at - state.printedAt;
    if (waited < LINE_INTERVAL_MS || (tenth === state.printedTenth && waited < MAX_SILENCE_MS)) return;
    state.printedAt = at;
    state.printedTenth = tenth;
    line(text);
  };
  const start = (step: string) => {
    const state: Running = { printedAt: now(), printedTenth: 0 };
    running.set(step, state);
    return state;
  };

  return {
    clear,
    event(event) {
      switch (event.type) {
        case 'step-start':
          if (event.cached) break;
          start(event.step);
          if (live) {
            clear();
            stream.write(`  ${event.step} …`);
            shown = true;
          }
          break;
        case 'progress':
          progress(event);
          break;
        case 'step-end':
          running.delete(event.step);
          // What was skipped follows from what failed or was interrupted, which has a line.
          if (event.status !== 'skipped') line(describeEnd(event, event.status, colors));
          break;
        case 'log':
          if (event.level === 'warning') line(`  ${colors.yellow('warning')}  ${event.step}: ${event.message}`);
          else if (verbose) line(`  ${colors.dim('note')}  ${event.step}: ${event.message}`);
          break;
        case 'point':
          break;
      }
    },
  };
}

function describe(
  { step, done, total, unit, values = {} }: Extract<RunEvent, { type: 'progress' }>,
  first: { at: number; done: number },
  at: number,
): string {
  const parts = [
    `  ${step}  ${done.toLocaleString('en-US')}${total === undefined ? '' : `/${total.toLocaleString('en-US')}`} ${unit}`,
  ];
  for (const [name, value] of Object.entries(values)) {
    parts.push(
      name.endsWith('_per_s')
        ? `${formatNumber(Math.round(value))} ${name.slice(0, -6)}/s`
        : `${name} ${formatNumber(value)}`,
    );
  }
  const made = done - first.done;
  if (total !== undefined && made > 0 && total > done) {
    parts.push(`${formatDuration(((at - first.at) / 1000 / made) * (total - done))} left`);
  }
  return parts.join('  ');
}

type StepEnd = Extract<RunEvent, { type: 'step-end' }>;

function describeEnd(
  { step, seconds }: StepEnd,
  status: Exclude<StepEnd['status'], 'skipped'>,
  colors: Colors,
): string {
  switch (status) {
    case 'done':
      return `${colors.green('✓')} ${step}  ${colors.dim(formatDuration(seconds))}`;
    case 'cached':
      return `${colors.dim('=')} ${step}  ${colors.dim('kept from an earlier run')}`;
    case 'failed':
      return `${colors.red('✗')} ${step}  ${colors.red('failed')} ${colors.dim(`after ${formatDuration(seconds)}`)}`;
    case 'interrupted':
      return `${colors.yellow('‖')} ${step}  ${colors.yellow('interrupted')} ${colors.dim(`after ${formatDuration(seconds)}`)}`;
  }
}
