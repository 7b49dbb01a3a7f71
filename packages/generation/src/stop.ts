/** Stop strings in streamed text: text that may be the beginning of one is held back until that is settled. */

export interface StopFilter {
  /** Text that may be shown now, and whether a stop string has been met; what follows it is dropped. */
  push(piece: string): { text: string; stopped: boolean };
  /** The text still held back when no more comes. */
  flush(): string;
}

/** A filter that ends the text before the first occurrence of any of `stops` (empty strings are ignored). */
export function createStopFilter(stops: readonly string[]): StopFilter {
  const wanted = stops.filter((stop) => stop !== '');
  let held = '';
  return {
    push(piece) {
      const text = held + piece;
      const ends = wanted.map((stop) => text.indexOf(stop)).filter((at) => at >= 0);
      if (ends.length > 0) {
        held = '';
        return { text: text.slice(0, Math.min(...ends)), stopped: true };
      }
      const keep = Math.max(0, ...wanted.map((stop) => overlap(text, stop)));
      held = text.slice(text.length - keep);
      return { text: text.slice(0, text.length - keep), stopped: false };
    },
    flush() {
      const text = held;
      held = '';
      return text;
    },
  };
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
