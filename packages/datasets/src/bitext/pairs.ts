/** Pairs of lines from the files of a part of a bitext: two files, or the columns of a table. */
import { UserError } from '@t2r/core';
import { readCsv } from './csv.js';
import { type Line, type Lines, readLines } from './lines.js';
import type { Part } from './schema.js';
import { isSgm, readSegments } from './sgm.js';

/** A pair as it stands in the files, good or bad. */
export interface RawPair {
  source: Line;
  target: Line;
  /** Numbers of the lines in their files; equal but for markup around them. */
  sourceLine: number;
  targetLine: number;
}

/** The files of a part, where they lie. */
export interface PartFiles {
  source: string;
  target: string;
}

/** The pairs of a part, some at a time. */
export function readPart(part: Part, { source, target }: PartFiles): AsyncGenerator<RawPair[]> {
  if ('tsv' in part) return readTsv(source, part);
  if ('csv' in part) return readCsv(source, part);
  return zipLines(source, target);
}

function sideOf(path: string): AsyncGenerator<Lines> {
  const lines = readLines(path);
  return isSgm(path) ? readSegments(lines) : lines;
}

/** Lines of one side, taken a given number at a time. */
class Side {
  readonly #pieces: AsyncGenerator<Lines>;
  #piece: Lines = { lines: [], first: 1 };
  #at = 0;
  /** Lines taken so far. */
  taken = 0;

  constructor(path: string) {
    this.#pieces = sideOf(path);
  }

  /** Lines at hand, after reading on where there are none; 0 at the end. */
  async available(): Promise<number> {
    while (this.#at === this.#piece.lines.length) {
      const { done, value } = await this.#pieces.next();
      if (done) return 0;
      this.#piece = value;
      this.#at = 0;
    }
    return this.#piece.lines.length - this.#at;
  }

  take(count: number, each: (line: Line, number: number, index: number) => void): void {
    const { lines, first, numbers } = this.#piece;
    for (let i = 0; i < count; i++) {
      const at = this.#at + i;
      each(lines[at]!, numbers?.[at] ?? first + at, i);
    }
    this.#at += count;
    this.taken += count;
  }

  /** How many lines there are altogether. */
  async count(): Promise<number> {
    let total = this.taken;
    for (let more = await this.available(); more > 0; more = await this.available()) {
      this.#at += more;
      total += more;
    }
    return total;
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined);
  }
}

/**
 * Lines of two files side by side.
 * @throws UserError with both numbers of lines when one file has more.
 */
export async function* zipLines(source: string, target: string): AsyncGenerator<RawPair[]> {
  const [a, b] = [new Side(source), new Side(target)];
  try {
    for (;;) {
      const count = Math.min(await a.available(), await b.available());
      if (count === 0) break;
      const pairs: RawPair[] = [];
      a.take(count, (line, number) => pairs.push({ source: line, target: '', sourceLine: number, targetLine: 0 }));
      b.take(count, (line, number, i) => {
        pairs[i]!.target = line;
        pairs[i]!.targetLine = number;
      });
      yield pairs;
    }
    const [sources, targets] = [await a.count(), await b.count()];
    if (sources === targets) return;
    const unit = isSgm(source) ? 'segments' : 'lines';
    throw new UserError(`the sides have different lengths: ${source} has ${sources} ${unit}, ${target} ${targets}`, {
      hint: 'line n of one has to translate line n of the other: check that the files belong together and are whole',
    });
  } finally {
    await a.close();
    await b.close();
  }
}

async function* readTsv(
  path: string,
  { sourceColumn, targetColumn, header }: Extract<Part, { tsv: string }>,
): AsyncGenerator<RawPair[]> {
  for await (const { lines, first } of readLines(path)) {
    const pairs: RawPair[] = [];
    for (const [i, line] of lines.entries()) {
      const number = first + i;
      if (header && number === 1) continue;
      const fields = typeof line === 'string' ? line.split('\t') : undefined;
      const field = (column: number): Line =>
        fields === undefined ? line : (fields[column - 1] ?? { bad: 'column', columns: fields.length });
      pairs.push({
        source: field(sourceColumn),
        target: field(targetColumn),
        sourceLine: number,
        targetLine: number,
      });
    }
    yield pairs;
  }
}
