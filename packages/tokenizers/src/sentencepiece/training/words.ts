/** Gathers the text of a corpus as counted words over an alphabet, which is all that training needs of it. */
import { createRandom } from '@t2r/core';
import { compareCodePoints } from '../../code-points.js';
import { ownCopy, safePieces } from '../../pieces.js';
import type { Documents } from '../../train.js';
import type { NormalizerSpec } from '../model-file.js';
import { createNormalizer, SPACE } from '../normalizer.js';
import type { ResolvedOptions } from './options.js';

/** Stands where a user-defined symbol was: no piece goes across. */
const BOUNDARY = '\t';
/** SentencePiece's mark for characters it does not cover; lines that hold it are passed over. */
const UNCOVERED = '\u2585';
/** Stretches without a space are cut to this many characters, so that probabilities stay within a double's range. */
const LONGEST_WORD = 512;
/** Characters of different words that are trained on; beyond them the rarest words are left out. */
const MOST_CHARACTERS = 1 << 24;

/** Words as stretches of one array of character numbers: word w is chars[starts[w]] up to chars[starts[w + 1]]. */
export interface Words {
  /** Character of each number, the most frequent first: those that must have pieces. */
  alphabet: string[];
  /** How often each character of the alphabet occurs. */
  charCounts: number[];
  chars: Int32Array;
  /** One more than there are words. */
  starts: Int32Array;
  counts: Float64Array;
}

/** @throws RangeError when no text is left. */
export async function gatherWords(
  documents: Documents,
  normalizerSpec: NormalizerSpec,
  symbols: readonly string[],
  options: ResolvedOptions,
): Promise<Words> {
  const { characterCoverage } = options;
  const counts = await countWords(documents, normalizerSpec, symbols, options);
  const charTotals = new Map<string, number>();
  let total = 0;
  for (const [word, count] of counts) {
    for (const char of word) {
      charTotals.set(char, (charTotals.get(char) ?? 0) + count);
      total += count;
    }
  }
  if (total === 0) throw new RangeError('there is no text to learn pieces from');
  const sorted = [...charTotals].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b));
  const alphabet: string[] = [];
  const charCounts: number[] = [];
  let covered = 0;
  for (const [char, count] of sorted) {
    if (Math.fround(covered / total) >= characterCoverage) break;
    covered += count;
    alphabet.push(char);
    charCounts.push(count);
  }
  return { alphabet, charCounts, ...layOut(counts, alphabet) };
}

async function countWords(
  documents: Documents,
  normalizerSpec: NormalizerSpec,
  symbols: readonly string[],
  options: ResolvedOptions,
): Promise<Map<string, number>> {
  const { sentences, splitByWhitespace, signal, onProgress } = options;
  const normalize = createNormalizer(normalizerSpec, { userDefinedSymbols: symbols });
  const longestFirst = [...symbols].sort((a, b) => b.length - a.length);
  const counts = new Map<string, number>();
  const add = (line: string) => {
    let normal = normalize(line);
    for (const symbol of longestFirst) normal = normal.replaceAll(symbol, BOUNDARY);
    for (const stretch of normal.split(BOUNDARY)) {
      for (const word of splitByWhitespace ? wordsOf(stretch) : [stretch]) {
        if (word === '') continue;
        const before = counts.get(word);
        if (before === undefined) counts.set(ownCopy(word), 1);
        else counts.set(word, before + 1);
      }
    }
  };
  const sample = new Reservoir(sentences, options.seed);
  let read = 0;
  for await (const document of documents) {
    for await (const piece of safePieces(document, (text) => text.lastIndexOf('\n') + 1)) {
      signal?.throwIfAborted();
      for (const line of piece.split('\n')) {
        if (line === '' || line.includes(UNCOVERED)) continue;
        if (sentences === 0) add(line);
        else sample.offer(line);
        read++;
      }
      onProgress('lines', read);
    }
  }
  for (const line of sample.take()) add(line);
  return counts;
}

/** Each word begins with its space. */
function wordsOf(text: string): string[] {
  return text.split(new RegExp(`(?=${SPACE})`, 'u'));
}

/** An even draw of lines from a stream (algorithm R, Vitter 1985): each has the same chance to be in the end among them. */
class Reservoir {
  readonly #size: number;
  readonly #random;
  #lines: string[] = [];
  #seen = 0;

  constructor(size: number, seed: number) {
    this.#size = size;
    this.#random = createRandom('sentencepiece-lines', seed);
  }

  offer(line: string): void {
    const at = this.#seen < this.#size ? this.#seen : this.#random.integer(this.#seen + 1);
    this.#seen++;
    if (at < this.#size) this.#lines[at] = ownCopy(line);
  }

  /** The lines drawn; the reservoir is empty afterwards. */
  take(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }
}

/** Words as character numbers, cut where a character is not covered. */
function layOut(counts: ReadonlyMap<string, number>, alphabet: readonly string[]) {
  const numberOf = new Map(alphabet.map((char, i) => [char, i]));
  const stretches = new Map<string, number>();
  for (const [word, count] of counts) {
    let stretch = '';
    let length = 0;
    const close = () => {
      if (stretch !== '') stretches.set(stretch, (stretches.get(stretch) ?? 0) + count);
      stretch = '';
      length = 0;
    };
    for (const char of word) {
      if (!numberOf.has(char)) {
        close();
        continue;
      }
      stretch += char;
      if (++length === LONGEST_WORD) close();
    }
    close();
  }
  const kept = [...stretches].sort(([a, m], [b, n]) => n - m || compareCodePoints(a, b));
  let characters = 0;
  let words = 0;
  // A code unit is at least as much as a character.
  while (words < kept.length && characters < MOST_CHARACTERS) characters += kept[words++]![0].length;
  const chars = new Int32Array(characters);
  const starts = new Int32Array(words + 1);
  const wordCounts = new Float64Array(words);
  let at = 0;
  for (let w = 0; w < words; w++) {
    const [word, count] = kept[w]!;
    for (const char of word) chars[at++] = numberOf.get(char)!;
    starts[w + 1] = at;
    wordCounts[w] = count;
  }
  return { chars: chars.subarray(0, at), starts, counts: wordCounts };
}
