/** Events of a run: one JSON object a line in events.jsonl, and what the progress display and the report read. */

export type RunEvent =
  | { type: 'step-start'; step: string; key: string; cached: boolean }
  | {
      type: 'step-end';
      step: string;
      key: string;
      status: 'done' | 'cached' | 'failed' | 'interrupted' | 'skipped';
      seconds: number;
    }
  | {
      type: 'progress';
      step: string;
      /** Units done and to do (optimizer steps, tokens, ...). */
      done: number;
      total?: number;
      unit: string;
      /** Extra figures to show beside, e.g. { loss: 3.2, tokens_per_s: 3900, lr: 1e-3 }. */
      values?: Record<string, number>;
    }
  /** A point of a curve: training loss at a step, validation perplexity at a step, tokens/s at a position. */
  | { type: 'point'; step: string; series: string; x: number; y: number }
  | { type: 'log'; step: string; level: 'info' | 'warning'; message: string };

export type TimedEvent = RunEvent & { time: string };

/** Where a step sends its events; the step's id is filled in. */
export interface EventSink {
  progress(done: number, options: { total?: number; unit: string; values?: Record<string, number> }): void;
  point(series: string, x: number, y: number): void;
  info(message: string): void;
  warn(message: string): void;
}
