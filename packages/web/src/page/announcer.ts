/**
 * Reads a stream of text to screen readers. Single tokens would flood them, so text is gathered to whole sentences, and said
 * at most every few seconds.
 */

/** Milliseconds between two announcements, about what it takes to say one. */
const INTERVAL_MS = 4000;
/** Characters of one announcement; a model is faster than speech, so what is older is left out. */
const LONGEST = 240;

export interface Announcer {
  /** More of the text. */
  push(text: string): void;
  /** Says what is left, and how it ended. */
  end(words: string): void;
}

/** @param region an element with aria-live */
export function createAnnouncer(region: HTMLElement): Announcer {
  let held = '';
  let last = Number.NEGATIVE_INFINITY;
  const say = (text: string) => {
    region.textContent = text.length > LONGEST ? `… ${text.slice(-LONGEST)}` : text;
    last = performance.now();
  };
  return {
    push(text) {
      held += text;
      if (performance.now() - last < INTERVAL_MS) return;
      const sentences = /^[\s\S]*[.!?…\n](?=\s|$)/.exec(held)?.[0];
      if (sentences === undefined && held.length < LONGEST) return;
      say(sentences ?? held);
      held = held.slice((sentences ?? held).length);
    },
    end(words) {
      say(`${held.trim()} ${words}`.trim());
      held = '';
    },
  };
}
