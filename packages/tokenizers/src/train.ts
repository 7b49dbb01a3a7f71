/** Trains tokenizers from documents that may be streamed: what is kept in memory is the count of each word. */

import { learnMerges } from './bpe-train.js';
import { ByteLevelBpe } from './byte-level-bpe.js';
import { ownCopy, safePieces } from './pieces.js';
import { forEachWord, lastWordStart } from './pre-tokenize.js';
import { specialToken } from './tokenizer-json.js';
import type { TextSource } from './types.js';
import { type DictionaryName, fillUp, specialEntries } from './word-dictionary.js';
import { UNKNOWN, WordLevel } from './word-level.js';

export type Documents = Iterable<TextSource> | AsyncIterable<TextSource>;

export interface TrainBpeOptions {
  /** Size of the vocabulary: special tokens, 256 bytes and merges. Smaller where the text has too few pairs. */
  vocab: number;
  /** A pair is merged only when it occurs at least this often. Default 2. */
  minFrequency?: number;
  /** Tokens that get the first ids and are recognised in text as they stand. Default none. */
  specialTokens?: readonly string[];
  signal?: AbortSignal;
}

/**
 * Trains a byte-level BPE. Vocabulary, merges and ids equal those of `ByteLevelBPETokenizer().train_from_iterator` of
 * Hugging Face tokenizers with the same documents and options.
 */
export async function trainByteLevelBpe(documents: Documents, options: TrainBpeOptions): Promise<ByteLevelBpe> {
  const { vocab, minFrequency = 2, specialTokens = [], signal } = options;
  const counts = await countWords(documents, forEachWord, signal);
  const { tokens, merges } = await learnMerges(counts, { vocab, minFrequency, specialTokens, signal });
  const addedTokens = [...new Set(specialTokens)].map((content) => specialToken(tokens.indexOf(content), content));
  return new ByteLevelBpe({ tokens, merges, addedTokens });
}

export interface TrainWordLevelOptions {
  /** Largest size of the vocabulary, special entries included: the most frequent words are kept. */
  vocab: number;
  /** A word is kept only when it occurs at least this often. Default 1. */
  minFrequency?: number;
  /** Reads each line end as a word, `<eos>` or `</s>`. Default true. */
  endOfLine?: boolean;
  /** Further entries that get the ids after those of the dictionary. Default none. */
  specialTokens?: readonly string[];
  /** Which special entries come first, and whether the size is filled up; `plain` by default. */
  dictionary?: DictionaryName;
  signal?: AbortSignal;
}

/**
 * Makes a word-level vocabulary: the special entries of the dictionary, then words by falling count, equal counts in code
 * point order. Special entries that stand in the text are not counted as words, and get their ids in encoding.
 */
export async function trainWordLevel(documents: Documents, options: TrainWordLevelOptions): Promise<WordLevel> {
  const { vocab, minFrequency = 1, dictionary = 'plain', signal } = options;
  const counts = await countWords(
    documents,
    (text, visit) => {
      for (const word of text.match(/\P{White_Space}+/gu) ?? []) visit(word);
    },
    signal,
  );
  const { special, endOfLine } = specialEntries(dictionary, options);
  for (const token of special) counts.delete(token);
  const words = [...counts].filter(([, count]) => count >= minFrequency);
  words.sort(([a, m], [b, n]) => n - m || Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const tokens = [...special, ...words.map(([word]) => word)].slice(0, Math.max(vocab, special.length));
  return new WordLevel({ tokens: fillUp(dictionary, tokens), unknown: UNKNOWN, endOfLine });
}

async function countWords(
  documents: Documents,
  forEach: (text: string, visit: (word: string) => void) => void,
  signal: AbortSignal | undefined,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const count = (word: string) => {
    const before = counts.get(word);
    if (before === undefined) counts.set(ownCopy(word), 1);
    else counts.set(word, before + 1);
  };
  for await (const document of documents) {
    for await (const piece of safePieces(document, lastWordStart)) {
      signal?.throwIfAborted();
      forEach(piece, count);
    }
  }
  return counts;
}
