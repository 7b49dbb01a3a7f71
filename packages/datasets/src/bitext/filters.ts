/** Which good pairs are left out, and how text is normalised before. */
import type { FilterOptions, NormalizeOptions } from './schema.js';
import { TextSet } from './text-set.js';
import { countWords } from './words.js';

export const FILTER_REASONS = ['short', 'long', 'ratio', 'identical', 'duplicate'] as const;
export type FilterReason = (typeof FILTER_REASONS)[number];

/** Text of one side in the form that is asked for. Line ends, which fields of tables may hold, always become spaces. */
export function createNormalizer({ whitespace, unicode }: NormalizeOptions): (text: string) => string {
  return (text) => {
    let normal = /[\r\n]/.test(text) ? text.replace(/[\r\n]+/g, ' ') : text;
    if (unicode !== 'none') normal = normal.normalize(unicode);
    return whitespace ? normal.replace(/\p{White_Space}+/gu, ' ').trim() : normal;
  };
}

/**
 * Tells for each pair, in order, why it is to be left out, if it is. The first reason that holds counts. Equal pairs are
 * told by 64-bit hashes of their text: two different ones of 40 million are taken for equal with a chance of 1 in 20,000.
 */
export function createFilter({ unit, min, max, ratio, deduplicate, identical }: FilterOptions) {
  const measured = min !== undefined || max !== undefined || ratio !== undefined;
  const lengthOf = unit === 'words' ? countWords : countCharacters;
  const seen = new TextSet();
  return (source: string, target: string): FilterReason | undefined => {
    if (measured) {
      const [a, b] = [lengthOf(source), lengthOf(target)];
      if (min !== undefined && Math.min(a, b) < min) return 'short';
      if (max !== undefined && Math.max(a, b) > max) return 'long';
      if (ratio !== undefined && Math.max(a, b) > ratio * Math.min(a, b)) return 'ratio';
    }
    if (identical === 'drop' && source === target) return 'identical';
    if (deduplicate === 'none') return undefined;
    // No line holds a line feed, so it keeps the sides apart.
    const text = deduplicate === 'pairs' ? `${source}\n${target}` : deduplicate === 'source' ? source : target;
    return seen.add(text) ? undefined : 'duplicate';
  };
}

function countCharacters(text: string): number {
  let count = 0;
  for (const _character of text) count++;
  return count;
}
