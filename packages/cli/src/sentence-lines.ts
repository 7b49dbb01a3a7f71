/** Sentences a line from a stream of bytes; what is wrong with a line is told with its number, and does not end the stream. */
import { UserError } from '@t2r/core';

export interface SentenceLine {
  /** From 1. */
  number: number;
  text: string;
  /** What is wrong with it; `text` is then empty. */
  problem?: string;
}

/** A line of more bytes is no sentence, and is not kept in memory. */
const MOST_BYTES = 1 << 20;

function decode(bytes: Uint8Array, number: number): SentenceLine {
  const line = bytes.at(-1) === 0x0d ? bytes.subarray(0, -1) : bytes;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(line);
  } catch {
    return { number, text: '', problem: 'not UTF-8' };
  }
  if (text.trim() === '') return { number, text: '', problem: 'empty' };
  if (text.includes('\0')) return { number, text: '', problem: 'holds a NUL character' };
  return { number, text };
}

/** The lines of a stream, in order; a line end at the very end begins no further line. */
export async function* sentenceLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<SentenceLine> {
  let number = 0;
  let held: Uint8Array[] = [];
  let size = 0;
  const add = (part: Uint8Array) => {
    size += part.length;
    if (size <= MOST_BYTES) held.push(part);
  };
  const take = (): SentenceLine => {
    number += 1;
    const line: SentenceLine =
      size > MOST_BYTES
        ? { number, text: '', problem: `more than ${MOST_BYTES} bytes long` }
        : decode(Buffer.concat(held), number);
    held = [];
    size = 0;
    return line;
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      add(chunk.subarray(from, at));
      yield take();
      from = at + 1;
    }
    if (from < chunk.length) add(chunk.subarray(from));
  }
  if (size > 0) yield take();
}

/** The error that a bad line ends a command with. */
export function badLine({ number, problem }: SentenceLine, where: string): UserError {
  return new UserError(`${where}:${number}: the line is ${problem}`, {
    hint: 'Mend it, or leave such lines out with --skip-bad: each gives an empty line.',
  });
}

/** Tells which lines were left out: `2 bad lines left out: 3 (empty), 17 (not UTF-8)`. */
export function describeBad(bad: readonly SentenceLine[]): string {
  const shown = bad.slice(0, 10).map(({ number, problem }) => `${number} (${problem})`);
  const more = bad.length > shown.length ? `, and ${bad.length - shown.length} more` : '';
  return `${bad.length} bad ${bad.length === 1 ? 'line' : 'lines'} left out: ${shown.join(', ')}${more}`;
}
