/** Reads a split of a bitext, checks and filters its pairs, and writes what is left. */
import type { EventSink } from '@t2r/core';
import { type BadKind, badness, badPairError } from './bad-pairs.js';
import { createFilter, createNormalizer, type FilterReason } from './filters.js';
import { type PartFiles, type RawPair, readPart } from './pairs.js';
import type { BitextOptions, Part } from './schema.js';
import type { PlannedSplit } from './splits.js';
import { countWords } from './words.js';
import type { LineWriter } from './write-lines.js';

/** What became of the pairs of a split. */
export interface SplitCounts {
  /** Pairs in the files. */
  read: number;
  /** Pairs that are left. */
  pairs: number;
  sourceWords: number;
  targetWords: number;
  bad: Partial<Record<BadKind, number>>;
  filtered: Partial<Record<FilterReason, number>>;
}

export const noCounts = (): SplitCounts => ({
  read: 0,
  pairs: 0,
  sourceWords: 0,
  targetWords: 0,
  bad: {},
  filtered: {},
});

/** Where the pairs of one split go: the indices of its files in the writer. */
export interface SplitOutput {
  name: string;
  source: number;
  target: number;
  counts: SplitCounts;
}

export interface ReadSplitContext {
  options: BitextOptions;
  locate: (part: Part) => PartFiles;
  writer: LineWriter;
  events: EventSink;
  signal: AbortSignal;
}

/**
 * Reads the parts of a split one after the other into `output`, and every `heldOut.every`-th pair into `heldOut.output`.
 * Pairs are numbered before any of them is left out.
 * @throws UserError at the first bad pair unless `skipBad` is set, and when sides have different lengths.
 */
export async function readSplit(
  { name, parts }: PlannedSplit,
  output: SplitOutput,
  heldOut: { every: number; output: SplitOutput } | undefined,
  { options, locate, writer, events, signal }: ReadSplitContext,
): Promise<void> {
  const { longest, skipBad, filter, normalize } = options;
  const normal = createNormalizer(normalize);
  const filterOf = (split: string) => (filter.splits.includes(split) ? createFilter(filter) : () => undefined);
  const ways = [output, ...(heldOut === undefined ? [] : [heldOut.output])].map((to) => ({
    to,
    reject: filterOf(to.name),
  }));
  let number = 0;
  for (const { part } of parts) {
    const files = locate(part);
    for await (const pairs of readPart(part, files)) {
      signal.throwIfAborted();
      for (const pair of pairs) {
        number++;
        const { to, reject } = ways[heldOut !== undefined && number % heldOut.every === 0 ? 1 : 0]!;
        to.counts.read++;
        const wrong = badSide(pair, longest);
        if (wrong !== undefined) {
          if (!skipBad) throw await badPairError(pair, wrong.side, wrong.kind, { files, longest });
          count(to.counts.bad, wrong.kind);
          continue;
        }
        const source = normal(pair.source as string);
        const target = normal(pair.target as string);
        const reason = reject(source, target);
        if (reason !== undefined) {
          count(to.counts.filtered, reason);
          continue;
        }
        to.counts.pairs++;
        to.counts.sourceWords += countWords(source);
        to.counts.targetWords += countWords(target);
        writer.put(to.source, source);
        writer.put(to.target, target);
      }
      await writer.flush();
      events.progress(number, { unit: `pairs of ${name}` });
    }
  }
}

function badSide(pair: RawPair, longest: number): { side: 'source' | 'target'; kind: BadKind } | undefined {
  for (const side of ['source', 'target'] as const) {
    const kind = badness(pair[side], longest);
    if (kind !== undefined) return { side, kind };
  }
  return undefined;
}

export function count<K extends string>(counts: Partial<Record<K, number>>, key: K): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
