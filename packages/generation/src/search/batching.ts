/** Which sources are searched together. */
import type { SearchSource } from './sentence.js';

export interface BatchLimits {
  /** Sentences of a batch at most. Default 32. */
  sentences: number;
  /** Tokens of a batch's sources at most, padding included; a longer source is a batch of its own. Default 4096. */
  tokens: number;
}

/** Sources of like length go together. */
export function sourceLength({ source, prompt, length }: SearchSource): number {
  return length ?? source?.length ?? prompt.length;
}

/**
 * Splits sources of the given lengths into batches of like length, each a list of their numbers. Full batches have a power of
 * two of sources, which programs are compiled for. They come from long to short, so that batches that use the same programs
 * follow each other.
 */
export function formBatches(lengths: readonly number[], { sentences, tokens }: BatchLimits): number[][] {
  const sorted = lengths.map((_, i) => i).sort((a, b) => lengths[a]! - lengths[b]! || a - b);
  const batches: number[][] = [];
  // From the longest on: the longest of a batch decides how many fit.
  for (let end = sorted.length; end > 0; ) {
    const fit = Math.max(1, Math.min(sentences, Math.floor(tokens / Math.max(lengths[sorted[end - 1]!]!, 1))));
    const size = Math.min(end, 2 ** Math.floor(Math.log2(fit)));
    batches.push(sorted.slice(end - size, end).sort((a, b) => a - b));
    end -= size;
  }
  return batches;
}
