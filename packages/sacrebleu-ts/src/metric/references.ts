/** References of a corpus: one stream per reference translation, where single segments may lack one. */
import { SacrebleuError } from '../errors.js';
import type { ReferenceCount } from './signature.js';

/** A reference of one segment; `null` or `undefined` where this segment has none in this stream. */
export type MaybeReference = string | null | undefined;

/** `references[i][j]` is the i-th reference of segment j, as in the original. */
export type References = readonly (readonly MaybeReference[])[];

/** References of a corpus, tokenized once for use with many systems; made by `metric.prepareReferences`. */
export interface PreparedReferences<Prepared = unknown> {
  readonly segments: readonly (readonly Prepared[])[];
  /** The metric it was made by: another may tokenize differently. */
  readonly owner: object;
}

/** Those references of a segment that are there. */
export function presentReferences(references: readonly MaybeReference[], segment: number): readonly string[] {
  const present = references.filter((reference) => reference !== null && reference !== undefined);
  if (present.length === 0) throw new SacrebleuError(`Segment ${segment} has no reference; it needs at least one.`);
  const wrong = present.find((reference) => typeof reference !== 'string');
  if (wrong !== undefined)
    throw new SacrebleuError(`A reference of segment ${segment} is not a string but ${typeof wrong}.`);
  return present;
}

/** Number of segments of all streams, which must be the same. */
export function countSegments(references: References): number {
  if (references.some((stream) => typeof stream === 'string'))
    throw new SacrebleuError('References must be a list of streams, each a list of strings, not a list of strings.');
  const [first, ...others] = references;
  if (first === undefined) throw new SacrebleuError('There are no references.');
  const odd = others.findIndex((stream) => stream.length !== first.length);
  if (odd >= 0) {
    throw new SacrebleuError(
      `Reference stream ${odd + 2} has ${others[odd]!.length} segments, the first one ${first.length}.`,
      'Put null where a segment has no such reference.',
    );
  }
  return first.length;
}

/** References of one segment, counted from 0. */
export const segmentOf = (references: References, segment: number): MaybeReference[] =>
  references.map((stream) => stream[segment]);

/** Keeps track of whether all segments have the same number of references. */
export function countReferences(count: ReferenceCount | undefined, segment: number): ReferenceCount {
  return count === undefined || count === segment ? segment : 'var';
}
