/**
 * Learns byte-level BPE merges from word counts (Sennrich et al. 2016, arXiv 1508.07909, algorithm 1). The result equals
 * that of Hugging Face tokenizers' BpeTrainer: ids in the order special tokens, 256 byte characters by code point, merges
 * as learned; among pairs with the same count the one with the smaller ids is merged first.
 */
import { ALPHABET, BYTE_TO_CHAR } from './byte-alphabet.js';
import { Heap } from './heap.js';

export interface LearnMergesOptions {
  /** Entries of the vocabulary wanted: special tokens, 256 bytes and merges. */
  vocab: number;
  /** A pair that occurs less often is not merged. */
  minFrequency: number;
  specialTokens: readonly string[];
  signal?: AbortSignal;
}

export interface LearnedBpe {
  /** Vocabulary by id. */
  tokens: string[];
  merges: [string, string][];
}

/** A pair waiting to be merged, with the words it was found in. Its count may be out of date. */
interface Candidate {
  /** Both ids in one number, `left * 2^21 + right`; numeric order is the order of the pairs. */
  pair: number;
  count: number;
  words: number[];
}

const SHIFT = 2 ** 21;

/** Learns merges from a map of pre-tokens to how often they occur. Gives way to other tasks now and then. */
export async function learnMerges(
  counts: ReadonlyMap<string, number>,
  options: LearnMergesOptions,
): Promise<LearnedBpe> {
  const { vocab, minFrequency, specialTokens, signal } = options;
  const tokens = [...new Set([...specialTokens, ...ALPHABET])];
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const { symbols, starts, lengths, frequencies } = splitWords(counts, idOf);

  const pairCounts = new Map<number, number>();
  let found = new Map<number, number[]>();
  const record = (pair: number, word: number) => {
    const words = found.get(pair);
    if (words === undefined) found.set(pair, [word]);
    else if (words[words.length - 1] !== word) words.push(word);
  };
  const queue = new Heap<Candidate>((a, b) => a.count > b.count || (a.count === b.count && a.pair < b.pair));
  const enqueueFound = () => {
    for (const [pair, words] of found) {
      const count = pairCounts.get(pair)!;
      if (count > 0) queue.push({ pair, count, words });
    }
    found = new Map();
  };
  const add = (pair: number, change: number) => pairCounts.set(pair, (pairCounts.get(pair) ?? 0) + change);

  for (let word = 0; word < starts.length; word++) {
    const start = starts[word]!;
    for (let i = start; i + 1 < start + lengths[word]!; i++) {
      const pair = symbols[i]! * SHIFT + symbols[i + 1]!;
      add(pair, frequencies[word]!);
      record(pair, word);
    }
  }
  enqueueFound();

  const merges: [string, string][] = [];
  while (tokens.length < vocab) {
    const top = queue.pop();
    if (top === undefined) break;
    const current = pairCounts.get(top.pair)!;
    if (top.count !== current) {
      // Other merges have changed how often the pair occurs since it was queued: back to its proper place.
      queue.push({ ...top, count: current });
      continue;
    }
    if (top.count < 1 || top.count < minFrequency) break;
    const left = Math.floor(top.pair / SHIFT);
    const right = top.pair % SHIFT;
    const merged = tokens[left]! + tokens[right]!;
    let id = idOf.get(merged);
    if (id === undefined) {
      id = tokens.length;
      tokens.push(merged);
      idOf.set(merged, id);
    }
    merges.push([tokens[left]!, tokens[right]!]);
    for (const word of top.words) {
      const start = starts[word]!;
      const frequency = frequencies[word]!;
      let end = start + lengths[word]!;
      for (let i = start; i + 1 < end; i++) {
        if (symbols[i] !== left || symbols[i + 1] !== right) continue;
        symbols[i] = id;
        symbols.copyWithin(i + 1, i + 2, end);
        end--;
        if (i > start) {
          const before = symbols[i - 1]!;
          add(before * SHIFT + left, -frequency);
          add(before * SHIFT + id, frequency);
          record(before * SHIFT + id, word);
        }
        if (i + 1 < end) {
          const after = symbols[i + 1]!;
          add(right * SHIFT + after, -frequency);
          add(id * SHIFT + after, frequency);
          record(id * SHIFT + after, word);
        }
      }
      lengths[word] = end - start;
    }
    enqueueFound();
    if (merges.length % 256 === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
  }
  return { tokens, merges };
}

/** Words as stretches of one array of symbol ids: word w is symbols[starts[w]], ... lengths[w] of them. */
function splitWords(counts: ReadonlyMap<string, number>, idOf: ReadonlyMap<string, number>) {
  const byteIds = BYTE_TO_CHAR.map((char) => idOf.get(char)!);
  const encoder = new TextEncoder();
  let total = 0;
  for (const word of counts.keys()) total += Buffer.byteLength(word);
  const symbols = new Int32Array(total);
  const starts = new Int32Array(counts.size);
  const lengths = new Int32Array(counts.size);
  const frequencies = new Float64Array(counts.size);
  let word = 0;
  let at = 0;
  for (const [text, frequency] of counts) {
    const bytes = encoder.encode(text);
    starts[word] = at;
    lengths[word] = bytes.length;
    frequencies[word++] = frequency;
    for (const byte of bytes) symbols[at++] = byteIds[byte]!;
  }
  return { symbols, starts, lengths, frequencies };
}
