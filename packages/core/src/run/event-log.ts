/** `events.jsonl`: one event a line, appended and handed to the system at once, so that a killed run loses none. */
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { EventSink, RunEvent, TimedEvent } from '../events.js';
import { explainWriteError } from '../files.js';

export interface EventLog {
  emit(event: RunEvent): void;
  /** The sink given to a step. */
  sink(step: string): EventSink;
  close(): void;
}

/** Progress of a step is written at most this often. */
const PROGRESS_MS = 5000;

/**
 * Opens the log for appending.
 * @param onEvent - Called with every event after it is written.
 * @throws UserError where the file cannot be written.
 */
export function openEventLog(path: string, onEvent?: (event: TimedEvent) => void): EventLog {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'a+');
  } catch (error) {
    throw explainWriteError(error, path);
  }
  const write = (text: string) => {
    try {
      writeSync(descriptor, text);
    } catch (error) {
      throw explainWriteError(error, path);
    }
  };
  // A run killed while writing leaves half a line; the next event must not be glued to it.
  const { size } = fstatSync(descriptor);
  const last = Buffer.alloc(1);
  if (size > 0 && readSync(descriptor, last, 0, 1, size - 1) === 1 && last[0] !== 10) write('\n');

  // Progress is for whoever watches; in the file a line every few seconds tells as much.
  const kept = new Map<string, number>();
  const isKept = (event: RunEvent) => {
    if (event.type !== 'progress') return true;
    const now = performance.now();
    const due = now - (kept.get(event.step) ?? Number.NEGATIVE_INFINITY) >= PROGRESS_MS || event.done === event.total;
    if (due) kept.set(event.step, now);
    return due;
  };

  const emit = (event: RunEvent) => {
    const timed: TimedEvent = { time: new Date().toISOString(), ...event };
    if (isKept(event)) write(`${JSON.stringify(timed)}\n`);
    onEvent?.(timed);
  };
  return {
    emit,
    sink: (step) => ({
      progress: (done, options) => emit({ type: 'progress', step, done, ...options }),
      point: (series, x, y) => emit({ type: 'point', step, series, x, y }),
      info: (message) => emit({ type: 'log', step, level: 'info', message }),
      warn: (message) => emit({ type: 'log', step, level: 'warning', message }),
    }),
    close: () => closeSync(descriptor),
  };
}
