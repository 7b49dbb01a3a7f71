/** Prepares the pairs of one split. */

import { zipLines } from '../bitext/pairs.js';
import { count } from '../bitext/read-split.js';
import { countWords } from '../bitext/words.js';
import { writeLines } from '../bitext/write-lines.js';
import { type CleanOptions, type CleanReason, cleanReason } from './clean.js';

export interface PreparedCounts {
  pairs: number;
  sourceWords: number;
  targetWords: number;
  filtered: Partial<Record<CleanReason | 'empty', number>>;
}

export interface PrepareSplitOptions {
  /** Preparations of the source and the target side. */
  prepare: readonly [(line: string) => string, (line: string) => string];
  /** Which pairs stay, by their numbers of words; without it all do, empty ones too. */
  clean?: Partial<CleanOptions>;
  onProgress?: (pairs: number) => void;
  signal?: AbortSignal;
}

/** Writes the prepared lines of two aligned files to two others. Returns what came of them. */
export async function prepareSplit(
  files: { source: { path: string }; target: { path: string } },
  paths: readonly string[],
  { prepare, clean, onProgress, signal }: PrepareSplitOptions,
): Promise<PreparedCounts> {
  const counts: PreparedCounts = { pairs: 0, sourceWords: 0, targetWords: 0, filtered: {} };
  const limits = clean && { min: 1, max: Number.POSITIVE_INFINITY, ratio: Number.POSITIVE_INFINITY, ...clean };
  await writeLines(paths, async (writer) => {
    let done = 0;
    for await (const pairs of zipLines(files.source.path, files.target.path)) {
      signal?.throwIfAborted();
      for (const pair of pairs) {
        const source = prepare[0](pair.source as string);
        const target = prepare[1](pair.target as string);
        const [sourceWords, targetWords] = [countWords(source), countWords(target)];
        if (limits !== undefined) {
          // Nothing is left of a line of control characters.
          const empty = sourceWords === 0 || targetWords === 0;
          const reason = empty ? 'empty' : cleanReason(sourceWords, targetWords, limits);
          if (reason !== undefined) {
            count(counts.filtered, reason);
            continue;
          }
        }
        counts.pairs++;
        counts.sourceWords += sourceWords;
        counts.targetWords += targetWords;
        writer.put(0, source);
        writer.put(1, target);
      }
      done += pairs.length;
      await writer.flush();
      onProgress?.(done);
    }
  });
  return counts;
}
