/** Pairs from the columns of a CSV file. */
import { Readable } from 'node:stream';
import { UserError } from '@t2r/core';
import { readBytes } from '@t2r/tokenizers';
import { CsvError, parse } from 'csv-parse';
import { decodeUtf8, type Line, MOST_BYTES, readLines } from './lines.js';
import type { RawPair } from './pairs.js';
import type { Part } from './schema.js';

/** Rows handed on at once. */
const ROWS = 1000;

interface Row {
  /** Fields as bytes, so that those that are no UTF-8 can be told. */
  record: Buffer[];
  info: { lines: number; bytes: number };
}

/**
 * The pairs of a table. Line ends within quoted fields are text.
 * @throws UserError when the first row lacks a column or quotes are broken: where rows end is not known after that.
 */
export async function* readCsv(
  path: string,
  { sourceColumn, targetColumn, delimiter }: Extract<Part, { csv: string }>,
): AsyncGenerator<RawPair[]> {
  const parser = parse({
    delimiter,
    encoding: null,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    record_delimiter: ['\r\n', '\n'],
    max_record_size: 2 * MOST_BYTES,
  });
  let pairs: RawPair[] = [];
  const bytes = Readable.from(withoutBom(readBytes(path)), { objectMode: false });
  bytes.on('error', (error) => parser.destroy(error));
  bytes.pipe(parser);
  let columns: { source: number; target: number } | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<Row>) {
      if (columns === undefined) {
        const names = record.map((name) => name.toString());
        columns = { source: find(path, names, sourceColumn), target: find(path, names, targetColumn) };
        continue;
      }
      const field = (column: number): Line => {
        const value = record[column];
        if (value === undefined) return { bad: 'column', columns: record.length };
        const text = decodeUtf8(value);
        return typeof text === 'string' ? text : { bad: 'utf8', byte: Number.NaN };
      };
      const [source, target] = [field(columns.source), field(columns.target)];
      pairs.push({ source, target, sourceLine: info.lines, targetLine: info.lines });
      if (pairs.length >= ROWS) {
        yield pairs;
        pairs = [];
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = Number(error.lines);
    throw new UserError(`${path}:${line}: ${error.message}`, {
      location: { file: path, line },
      hint: 'mend the quotes of this row: a quote inside a field is written twice; such a row cannot be skipped, for where it ends is not known',
      cause: error,
    });
  } finally {
    bytes.destroy();
    parser.destroy();
  }
  if (pairs.length > 0) yield pairs;
}

/** The library takes bytes for text once it has seen a byte order mark. */
async function* withoutBom(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const piece of pieces) {
    if (head === undefined) {
      yield piece;
      continue;
    }
    head = Buffer.concat([head, piece]);
    if (head.length < 3) continue;
    yield head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? head.subarray(3) : head;
    head = undefined;
  }
  if (head !== undefined) yield head;
}

function find(path: string, names: readonly string[], wanted: string | number): number {
  const index = names.indexOf(String(wanted));
  if (index >= 0) return index;
  throw new UserError(`${path} has no column "${wanted}"`, {
    location: { file: path, line: 1 },
    hint: `columns in its first row: ${names.map((name) => `"${name}"`).join(', ')}`,
  });
}

/** Line and byte, from 1, of the first byte of a file that is not UTF-8. */
export async function findInvalidByte(path: string): Promise<{ line: number; byte: number } | undefined> {
  for await (const { lines, first } of readLines(path)) {
    for (const [i, line] of lines.entries()) {
      if (typeof line !== 'string' && line.bad === 'utf8') return { line: first + i, byte: line.byte };
    }
  }
  return undefined;
}
