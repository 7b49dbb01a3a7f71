/** Encoding a text whose lines are documents of their own. */
import { readText, type Tokenizer } from '@t2r/tokenizers';
import type { EncodedCounts } from './tokens-step.js';

/** The lines of a text in pieces, without their ends (`\n` or `\r\n`). What follows the last line end is a line if it is not empty. */
export async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held = '';
  const bare = (line: string) => (line.endsWith('\r') ? line.slice(0, -1) : line);
  for await (const piece of pieces) {
    const lines = (held + piece).split('\n');
    held = lines.pop()!;
    for (const line of lines) yield bare(line);
  }
  if (held !== '') yield bare(held);
}

export interface EncodeLinesOptions {
  /** Put before every line. */
  first?: number;
  /** Put after every line; where it is the same token as `first`, it stands between two lines once. */
  separator?: number;
  /** Added to as ids go out; a line end counts as a byte where a separator stands for it. */
  counts: EncodedCounts;
  /** Gets the ids of each line, what stands before and after it included. */
  lengths: number[];
  /** Lines to take. Default: all. */
  most?: number;
  signal?: AbortSignal;
}

/** Whether what ends a line begins the next one. */
export const sharesEdges = ({ first, separator }: Pick<EncodeLinesOptions, 'first' | 'separator'>) =>
  first !== undefined && first === separator;

/** Ids of the lines of files, one line after the other; a line that leaves no id is no document. */
export async function* encodeLines(
  paths: Iterable<string>,
  tokenizer: Tokenizer,
  { first, separator, counts, lengths, most = Number.POSITIVE_INFINITY, signal }: EncodeLinesOptions,
): AsyncGenerator<Int32Array> {
  const shared = sharesEdges({ first, separator });
  if (shared) yield Int32Array.of(first!);
  for (const path of paths) {
    for await (const line of linesOf(readText(path))) {
      if (counts.documents >= most) return;
      signal?.throwIfAborted();
      const ids = tokenizer.encode(line);
      const before = first === undefined || shared ? [] : [first];
      const after = separator === undefined ? [] : [separator];
      const all = Int32Array.of(...before, ...ids, ...after);
      const length = all.length + (shared ? 1 : 0);
      if (length === 0) continue;
      lengths.push(length);
      counts.documents++;
      counts.bytes += Buffer.byteLength(line) + after.length;
      yield all;
    }
  }
}
