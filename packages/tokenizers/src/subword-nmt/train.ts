/** Trains subword-nmt BPE with a vocabulary that holds every subword the codes can lead to. */
import { compareCodePoints } from '../code-points.js';
import { FAIRSEQ_END, FAIRSEQ_SPECIAL } from '../fairseq-dict.js';
import { type MosesSettings, prepareLine } from '../moses/settings.js';
import { ownCopy, safePieces } from '../pieces.js';
import type { Documents } from '../train.js';
import { SubwordBpe } from './apply.js';
import { learnCodes } from './learn.js';
import { SubwordNmt, subwordsOf } from './tokenizer.js';

export interface TrainSubwordNmtOptions {
  /**
   * Size of the vocabulary: special symbols, all characters in both forms (within and at the end of a word) and one subword
   * a merge. Smaller where the text has too few pairs. Left out where `merges` is given.
   */
  vocab?: number;
  /** Merges to learn, fewer where the text has too few pairs; the size of the vocabulary follows from them. */
  merges?: number;
  /** A pair is merged only when it occurs at least this often. Default 2. */
  minFrequency?: number;
  /** Words that stay whole and get the ids after fairseq's four special symbols. Default none. */
  specialTokens?: readonly string[];
  /** Reads each line end as `</s>`. Default true. */
  endOfLine?: boolean;
  /** Prepares text with Moses, in training and afterwards. Default: text is split at white space. */
  moses?: MosesSettings;
  signal?: AbortSignal;
}

/**
 * Learns codes as `subword-nmt learn-bpe --total-symbols` does. Subwords have ids by falling frequency in the text, equal
 * ones in code point order, after `<s>`, `<pad>`, `</s>`, `<unk>` and the special tokens.
 * @throws RangeError when the vocabulary cannot hold the special symbols and the characters, or no size is given.
 */
export async function trainSubwordNmt(documents: Documents, options: TrainSubwordNmtOptions): Promise<SubwordNmt> {
  const { vocab, merges: wanted, minFrequency = 2, specialTokens = [], endOfLine = true, moses, signal } = options;
  const counts = await countWords(documents, moses, signal);
  const special = [...new Set([...FAIRSEQ_SPECIAL, ...specialTokens])];
  for (const token of special) counts.delete(token);
  const chars = subwordsOf([], counts.keys());
  const smallest = special.length + chars.size;
  if (vocab !== undefined && vocab < smallest) {
    throw new RangeError(
      `${vocab} entries cannot hold ${special.length} special symbols and ${chars.size} characters; give at least ${smallest}`,
    );
  }
  const size = wanted ?? (vocab === undefined ? undefined : vocab - smallest);
  if (size === undefined) throw new RangeError('neither the size of the vocabulary nor the number of merges is given');
  const merges = await learnCodes(counts, { merges: size, minFrequency, signal });
  const codes = { version: '0.2' as const, merges };
  const frequencies = new Map([...subwordsOf(merges, counts.keys())].map((subword) => [subword, 0]));
  const bpe = new SubwordBpe(codes);
  for (const [word, count] of counts) {
    for (const subword of bpe.split(word)) frequencies.set(subword, (frequencies.get(subword) ?? 0) + count);
  }
  const sorted = [...frequencies].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b));
  return new SubwordNmt({
    ...codes,
    tokens: [...special, ...sorted.map(([subword]) => subword)],
    endOfLine: endOfLine ? FAIRSEQ_END : undefined,
    glossaries: [...new Set(specialTokens)].map((token) => token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')),
    moses,
  });
}

async function countWords(
  documents: Documents,
  moses: MosesSettings | undefined,
  signal: AbortSignal | undefined,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const document of documents) {
    for await (const piece of safePieces(document, (text) => text.lastIndexOf('\n') + 1)) {
      signal?.throwIfAborted();
      for (const line of piece.split('\n')) {
        for (const word of prepareLine(line, moses).match(/\P{White_Space}+/gu) ?? []) {
          const before = counts.get(word);
          if (before === undefined) counts.set(ownCopy(word), 1);
          else counts.set(word, before + 1);
        }
      }
    }
  }
  return counts;
}
