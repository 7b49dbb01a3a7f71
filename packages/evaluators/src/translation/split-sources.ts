/** The sentences of a split of pairs, for translating. */
import { readFile } from 'node:fs/promises';
import { type Artifact, UserError } from '@t2r/core';
import { type BitextData, openPairs, type PairReader, type PairsData } from '@t2r/datasets';

export interface SplitSources {
  readonly count: number;
  /** Ids of a sentence with what stands before and after it. */
  source(pair: number): Int32Array;
  /** Number of the line that a pair was made from, from 0. */
  line(pair: number): number;
  close(): void;
}

export function openSources(artifact: Pick<Artifact, 'folder' | 'data'>, split: string): SplitSources {
  const data = artifact.data as PairsData;
  const reader: PairReader = openPairs(artifact.folder, data, split);
  const { start, end } = data.source;
  return {
    count: reader.pairs,
    source(pair) {
      const length = reader.sourceLengths[pair]!;
      const before = start === undefined ? 0 : 1;
      const ids = new Int32Array(before + length + (end === undefined ? 0 : 1));
      if (start !== undefined) ids[0] = start;
      reader.readSource(pair, ids, before);
      if (end !== undefined) ids[before + length] = end;
      return ids;
    },
    line: (pair) => reader.line(pair),
    close: () => reader.close(),
  };
}

/** The lines of one side of a split. @throws UserError where the text has no such split */
export async function readSide(data: BitextData, split: string, side: 'source' | 'target'): Promise<string[]> {
  const files = data.splits[split];
  if (files === undefined)
    throw new UserError(`the parallel text has no split "${split}"`, {
      hint: `Its splits: ${Object.keys(data.splits).join(', ')}.`,
    });
  const lines = (await readFile(files[side].path, 'utf8')).split('\n');
  // Every line ends with a line feed, the last one too.
  lines.pop();
  return lines;
}

/** A step's id as part of a file name. */
export const fileName = (id: string): string => id.replace(/[^\w.-]+/g, '_');
