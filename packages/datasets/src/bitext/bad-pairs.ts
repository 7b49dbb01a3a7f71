/** What makes a pair of lines unusable, and how it is said. */
import { UserError } from '@t2r/core';
import { findInvalidByte } from './csv.js';
import type { Line } from './lines.js';
import type { RawPair } from './pairs.js';
import { countWords, isBlank } from './words.js';

export const BAD_KINDS = ['utf8', 'nul', 'empty', 'long', 'column'] as const;
export type BadKind = (typeof BAD_KINDS)[number];

/** What is wrong with a line, if anything; `longest` is the most words of a sentence. */
export function badness(line: Line, longest: number): BadKind | undefined {
  if (typeof line !== 'string') return line.bad;
  if (line.includes('\0')) return 'nul';
  if (isBlank(line)) return 'empty';
  // Two characters a word at least: most lines need no counting.
  return line.length >= 2 * longest && countWords(line) > longest ? 'long' : undefined;
}

/** The error for a bad line of a pair. */
export async function badPairError(
  pair: RawPair,
  side: 'source' | 'target',
  kind: BadKind,
  { files, longest }: { files: { source: string; target: string }; longest: number },
): Promise<UserError> {
  const line = pair[side];
  const file = files[side];
  const number = side === 'source' ? pair.sourceLine : pair.targetLine;
  const error = (what: string, mend: string, at = number) =>
    new UserError(`${file}:${at}: ${what}`, {
      location: { file, line: at },
      hint: `${mend}, or set skipBad: true to leave out such pairs`,
    });
  const table = files.source === files.target;
  switch (kind) {
    case 'utf8': {
      // The bytes of tables are not counted while they are parsed.
      const found = table ? await findInvalidByte(file) : undefined;
      const byte = found?.byte ?? (line as { byte: number }).byte;
      return error(`not UTF-8 at byte ${byte}`, 'convert the file to UTF-8, for instance with iconv', found?.line);
    }
    case 'nul':
      return error('the line holds a NUL character, so the file may be no text', 'check the file');
    case 'empty':
      return error(
        table ? `the ${side} side is empty` : `the line is empty, and its pair is line ${otherLine(pair, side)}`,
        table ? 'mend the row' : 'mend both files, so that their lines stay paired',
      );
    case 'column': {
      const { columns } = line as { columns: number };
      return error(`the row has no column for the ${side} side: it has ${columns} columns`, 'mend the row');
    }
    case 'long': {
      const size =
        typeof line === 'string' ? `${countWords(line)} words` : `${(line as { bytes: number }).bytes} bytes`;
      return error(
        `the line has ${size}, more than a sentence (at most ${longest} words)`,
        'check whether line ends got lost, raise `longest`',
      );
    }
  }
}

const otherLine = ({ sourceLine, targetLine }: RawPair, side: 'source' | 'target') =>
  `${side === 'source' ? targetLine : sourceLine} of the other file`;
