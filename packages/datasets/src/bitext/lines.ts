/** Reads text files line by line, in pieces, and tells bad lines from good ones instead of stopping at them. */
import { readBytes } from '@t2r/tokenizers';

/** A line of text, or why there is none. */
export type Line = string | BadLine;

export type BadLine =
  /** Not UTF-8; `byte` counts from 1 in the file, unpacked. */
  | { bad: 'utf8'; byte: number }
  /** Longer than a line can reasonably be; what it holds was passed over. */
  | { bad: 'long'; bytes: number }
  /** A row of a table without the column. */
  | { bad: 'column'; columns: number };

/** Some consecutive lines of a file. */
export interface Lines {
  lines: Line[];
  /** Number of the first of them, from 1. */
  first: number;
  /** Their numbers, where they do not follow one another. */
  numbers?: number[];
}

/** Bytes of a line beyond which it is not kept: no sentence, and a file without line ends must not fill the memory. */
export const MOST_BYTES = 1 << 20;

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of a file, plain or gzip, without their line ends (LF or CRLF) and without a byte order mark at the beginning.
 * Only LF ends a line, as for every tool that aligns text by lines.
 * @throws UserError when the file cannot be read or its gzip stream is broken.
 */
export async function* readLines(path: string): AsyncGenerator<Lines> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  /** Where what is held begins in the file. */
  let position = 0;
  let first = 1;
  for await (const chunk of readBytes(path)) {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end === 0) {
      // Of a line that is too long only the size counts.
      if (heldBytes <= MOST_BYTES) held.push(chunk);
      heldBytes += chunk.length;
      continue;
    }
    const lines = splitLines([...held, chunk.subarray(0, end)], heldBytes, position);
    yield { lines, first };
    first += lines.length;
    position += heldBytes + end;
    held = end < chunk.length ? [chunk.subarray(end)] : [];
    heldBytes = chunk.length - end;
  }
  if (heldBytes > 0) yield { lines: splitLines(held, heldBytes, position), first };
}

/** Lines of some bytes that end with a line end or the file; `before` bytes are of a line that began earlier. */
function splitLines(pieces: readonly Uint8Array[], before: number, position: number): Line[] {
  if (before > MOST_BYTES) {
    const last = pieces[pieces.length - 1]!;
    const end = last.indexOf(LINE_FEED) + 1;
    const rest = end === 0 ? new Uint8Array() : last.subarray(end);
    const bytes = before + Math.max(0, end - 1);
    return [{ bad: 'long', bytes }, ...(rest.length === 0 ? [] : splitLines([rest], 0, position + before + end))];
  }
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: position > 0 }).decode(bytes);
    const lines: Line[] = text.split('\n');
    if (text.endsWith('\n')) lines.pop();
    for (const [i, line] of lines.entries()) {
      if ((line as string).endsWith('\r')) lines[i] = (line as string).slice(0, -1);
      // A code unit is at most three bytes.
      if ((line as string).length * 3 > MOST_BYTES) {
        const size = Buffer.byteLength(line as string);
        if (size > MOST_BYTES) lines[i] = { bad: 'long', bytes: size };
      }
    }
    return lines;
  } catch {
    return splitSlowly(bytes, position);
  }
}

/** One line after the other, to find which of them are no UTF-8. */
function splitSlowly(bytes: Uint8Array, position: number): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, start);
    const next = found === -1 ? bytes.length : found + 1;
    let end = found === -1 ? bytes.length : found;
    if (end > start && bytes[end - 1] === RETURN) end--;
    const line = bytes.subarray(start, end);
    if (line.length > MOST_BYTES) lines.push({ bad: 'long', bytes: line.length });
    else {
      const text = decodeUtf8(line, position + start > 0);
      lines.push(typeof text === 'string' ? text : { bad: 'utf8', byte: position + start + text.at + 1 });
    }
    start = next;
  }
  return lines;
}

/** Text of some bytes, or the index of the first byte that does not belong to a character. */
export function decodeUtf8(bytes: Uint8Array, ignoreBOM = true): string | { at: number } {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM }).decode(bytes);
  } catch {
    // The longest beginning that could go on to be UTF-8 ends before it.
    let low = 0;
    let high = bytes.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (isWhole(bytes.subarray(0, middle), true)) low = middle;
      else high = middle - 1;
    }
    // What began there and was not finished is at fault.
    while (low > 0 && !isWhole(bytes.subarray(0, low))) low--;
    return { at: low };
  }
}

/** Whether some bytes are UTF-8, or with `stream` the beginning of it. */
function isWhole(bytes: Uint8Array, stream = false): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream });
    return true;
  } catch {
    return false;
  }
}
