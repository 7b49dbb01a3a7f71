/** Regroups streamed text so that each piece can be treated on its own. */
import type { TextSource } from './types.js';

/** Text is gathered until it is this long before a cut is looked for: fewer, longer pieces cost less. */
const GATHER = 1 << 17;

/**
 * The text of a document in pieces cut only where `cutPoint` allows. A document without a safe place to cut comes as one
 * piece, so memory is bounded by the longest stretch without one.
 */
export async function* safePieces(source: TextSource, cutPoint: (text: string) => number): AsyncGenerator<string> {
  if (typeof source === 'string') {
    if (source !== '') yield source;
    return;
  }
  let held = '';
  let wanted = GATHER;
  for await (const piece of source) {
    held += piece;
    if (held.length < wanted) continue;
    const cut = cutPoint(held);
    if (cut > 0) {
      yield held.slice(0, cut);
      held = held.slice(cut);
      wanted = held.length + GATHER;
    } else {
      // Doubling keeps the total cost of looking for a cut linear.
      wanted = held.length * 2;
    }
  }
  if (held !== '') yield held;
}

/**
 * A copy of a word that shares no memory with the text it was cut from. JavaScript engines keep the whole text alive for
 * the sake of a slice of it, so words that outlive their text are copied.
 */
export function ownCopy(word: string): string {
  return ` ${word}`.slice(1);
}
