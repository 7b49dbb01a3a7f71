/** Lines of files and of standard input, a batch at a time. */
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { trimEnd } from '../text/whitespace.js';
import { createDecoder } from './decode.js';
import { failure } from './exit.js';

const CHUNK = 1 << 20;

/** Lines without whitespace at their end. */
export interface LineSource {
  readonly name: string;
  /** The next lines; fewer than asked for only at the end. */
  read(count: number): Promise<string[]>;
}

export interface LineOptions {
  encoding: string;
  /** Whether `\r` and `\r\n` end lines too, as Python has it for standard input and not for files. */
  universalNewlines: boolean;
}

/** Lines of a text that comes as bytes. */
export function linesOf(name: string, bytes: AsyncIterable<Uint8Array>, options: LineOptions): LineSource {
  const lines = splitLines(name, bytes, options)[Symbol.asyncIterator]();
  let pending: string[] = [];
  return {
    name,
    async read(count) {
      while (pending.length < count) {
        const next = await lines.next();
        if (next.done) break;
        pending = pending.length === 0 ? next.value : pending.concat(next.value);
      }
      const taken = pending.slice(0, count);
      pending = pending.slice(count);
      return taken;
    },
  };
}

async function* splitLines(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  { encoding, universalNewlines }: LineOptions,
): AsyncGenerator<string[]> {
  const decoder = createDecoder(encoding);
  let rest = '';
  let count = 0;
  const decode = (chunk: Uint8Array | undefined): string => {
    try {
      return chunk === undefined ? decoder.end() : decoder.decode(chunk);
    } catch {
      const line = count + 1 + (chunk === undefined ? 0 : firstWrongLine(chunk, encoding));
      throw failure(`Cannot read ${name}, line ${line}: it is not valid ${encoding}.`);
    }
  };
  const split = (text: string, atEnd: boolean): string[] => {
    let ready = rest + text;
    if (universalNewlines && ready.includes('\r')) {
      // A \r at the end of a piece may be half of a \r\n.
      const held = !atEnd && ready.endsWith('\r') ? '\r' : '';
      ready = ready.slice(0, ready.length - held.length).replace(/\r\n?/g, '\n') + held;
    }
    const lines = ready.split('\n');
    rest = lines.pop()!;
    if (atEnd && rest !== '') lines.push(rest);
    count += lines.length;
    return lines.map(trimEnd);
  };
  for await (const chunk of wholeLines(bytes)) yield split(decode(chunk), false);
  yield split(decode(undefined), true);
}

/** Pieces that end with a line, as far as bytes of 10 tell: in UTF-16 they may end within a character. */
async function* wholeLines(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  for await (const chunk of bytes) {
    const end = chunk.lastIndexOf(10) + 1;
    if (end > 0) {
      yield held.length === 0 ? chunk.subarray(0, end) : Buffer.concat([...held, chunk.subarray(0, end)]);
      held = [];
    }
    if (end < chunk.length) held.push(chunk.subarray(end));
  }
  if (held.length > 0) yield Buffer.concat(held);
}

/** Which of the lines, from 0, cannot be decoded by itself. */
function firstWrongLine(chunk: Uint8Array, encoding: string): number {
  for (let line = 0, start = 0; start < chunk.length; line++) {
    const end = chunk.indexOf(10, start) + 1 || chunk.length;
    const decoder = createDecoder(encoding);
    try {
      decoder.decode(chunk.subarray(start, end));
      decoder.end();
    } catch {
      return line;
    }
    start = end;
  }
  return 0;
}

/** Lines of a file; of its content where its name ends in `.gz`. */
export async function openLines(path: string, options: LineOptions): Promise<LineSource> {
  try {
    await access(path, constants.R_OK);
    if ((await stat(path)).isDirectory()) throw new Error('it is a folder');
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw failure(`Cannot read ${path}: ${missing ? 'there is no such file' : (error as Error).message}.`);
  }
  return linesOf(path, chunksOf(path), options);
}

async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = createReadStream(path, { highWaterMark: CHUNK });
  // Errors surface where the stream is read.
  const stream = path.endsWith('.gz') ? pipeline(file, createGunzip({ chunkSize: CHUNK }), () => {}) : file;
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    throw failure(`Cannot read ${path}: ${(error as Error).message}.`);
  }
}
