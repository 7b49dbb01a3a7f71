/** Windows for evaluation: every token but the first is predicted exactly once. */

/** One window: inputs are tokens [start, start + count), targets the same shifted by one. */
export interface EvaluationWindow {
  /** First input token. */
  start: number;
  /** Inputs (and so targets) of the window. */
  count: number;
  /** First position in the window whose prediction is scored; earlier ones are context only. */
  scoreFrom: number;
}

export interface EvaluationWindowsOptions {
  /** Most inputs of a window. */
  window: number;
  /** Tokens from one window's start to the next; equal to `window` for windows side by side. Default `window`. */
  stride?: number;
}

/**
 * Windows over `length` tokens. Each window scores what the windows before it have not: the first all its positions, the
 * others their last `stride`. The last window is shorter where the text ends; it scores the tail.
 */
export function evaluationWindows(
  length: number,
  { window, stride = window }: EvaluationWindowsOptions,
): EvaluationWindow[] {
  if (!(Number.isInteger(window) && window >= 1 && Number.isInteger(stride) && stride >= 1 && stride <= window)) {
    throw new RangeError(`windows need 1 <= stride <= window in whole tokens, got window ${window}, stride ${stride}`);
  }
  const windows: EvaluationWindow[] = [];
  // The target of the last input is the last token, so inputs end one token earlier.
  const inputs = length - 1;
  for (let start = 0, scored = 0; scored < inputs; start += stride) {
    const count = Math.min(window, inputs - start);
    windows.push({ start, count, scoreFrom: scored - start });
    scored = start + count;
  }
  return windows;
}
