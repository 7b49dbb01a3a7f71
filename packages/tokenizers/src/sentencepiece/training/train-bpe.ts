/** Learns SentencePiece BPE: pairs of pieces are joined by falling frequency; of equals the shorter piece comes first. */
import { compareCodePoints } from '../../code-points.js';
import { Heap } from '../../heap.js';
import type { Piece } from '../model-file.js';
import type { ResolvedOptions } from './options.js';
import type { ValidPiece } from './valid-piece.js';
import type { Words } from './words.js';

/** A pair of neighbours and the words they were found in. */
interface Pair {
  left: number;
  right: number;
  /** Text of the joined piece, and its length in characters. */
  text: string;
  length: number;
  count: number;
  words: Set<number>;
}

interface Candidate {
  pair: Pair;
  count: number;
}

const SHIFT = 2 ** 21;

/** The pieces of a model: joined pairs in the order of their merges, then the characters; scores fall by one. */
export async function trainBpe(
  words: Words,
  isValid: ValidPiece,
  wanted: number,
  { signal, onProgress }: Pick<ResolvedOptions, 'signal' | 'onProgress'>,
): Promise<Piece[]> {
  const { alphabet } = words;
  const merges = await new Merger(words, isValid).run(wanted - alphabet.length, signal, onProgress);
  return [...merges, ...alphabet].map((text, rank) => ({ text, score: -rank, type: 'normal' }));
}

class Merger {
  readonly #words: Words;
  readonly #isValid: ValidPiece;
  /** Characters of each symbol; the alphabet has the first numbers. */
  readonly #symbols: Int32Array[];
  readonly #texts: string[];
  /** Symbols of each word, in place of its characters. */
  readonly #current: Int32Array;
  readonly #lengths: Int32Array;
  readonly #pairs = new Map<number, Pair | undefined>();
  #grown = new Set<Pair>();

  constructor(words: Words, isValid: ValidPiece) {
    this.#words = words;
    this.#isValid = isValid;
    this.#symbols = words.alphabet.map((_, i) => Int32Array.of(i));
    this.#texts = [...words.alphabet];
    this.#current = Int32Array.from(words.chars);
    this.#lengths = Int32Array.from(words.counts, (_, w) => words.starts[w + 1]! - words.starts[w]!);
  }

  /** Texts of the first `count` joined pieces. */
  async run(
    count: number,
    signal: AbortSignal | undefined,
    onProgress: ResolvedOptions['onProgress'],
  ): Promise<string[]> {
    const { starts, counts } = this.#words;
    for (let w = 0; w < counts.length; w++) {
      for (let i = starts[w]!; i + 1 < starts[w + 1]!; i++)
        this.#add(this.#current[i]!, this.#current[i + 1]!, counts[w]!, w);
    }
    const queue = new Heap<Candidate>((a, b) => a.count > b.count || (a.count === b.count && isBefore(a.pair, b.pair)));
    const enqueue = () => {
      for (const pair of this.#grown) if (pair.count > 0) queue.push({ pair, count: pair.count });
      this.#grown = new Set();
    };
    enqueue();
    const joined: string[] = [];
    const known = new Set<string>();
    while (joined.length < count) {
      const top = queue.pop();
      if (top === undefined) break;
      const { pair } = top;
      if (top.count !== pair.count) {
        if (pair.count > 0) queue.push({ pair, count: pair.count });
        continue;
      }
      if (pair.count < 1) break;
      // A piece that came about in another way already is not joined once more.
      if (known.has(pair.text)) continue;
      known.add(pair.text);
      joined.push(pair.text);
      this.#join(pair);
      enqueue();
      if (joined.length % 64 === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
        onProgress('pieces', joined.length, count);
      }
    }
    return joined;
  }

  #add(left: number, right: number, change: number, word: number): void {
    const key = left * SHIFT + right;
    let pair = this.#pairs.get(key);
    if (pair === undefined) {
      if (this.#pairs.has(key)) return;
      pair = this.#makePair(left, right);
      this.#pairs.set(key, pair);
      if (pair === undefined) return;
    }
    pair.count += change;
    if (change > 0) {
      pair.words.add(word);
      this.#grown.add(pair);
    }
  }

  /** Undefined when the joined piece would not be valid. */
  #makePair(left: number, right: number): Pair | undefined {
    const chars = concat(this.#symbols[left]!, this.#symbols[right]!);
    if (!this.#isValid(chars, 0, chars.length)) return undefined;
    const text = this.#texts[left]! + this.#texts[right]!;
    return { left, right, text, length: chars.length, count: 0, words: new Set() };
  }

  #join({ left, right, text, words }: Pair): void {
    const id = this.#symbols.length;
    this.#symbols.push(concat(this.#symbols[left]!, this.#symbols[right]!));
    this.#texts.push(text);
    const { starts, counts } = this.#words;
    for (const word of words) {
      const start = starts[word]!;
      const count = counts[word]!;
      let end = start + this.#lengths[word]!;
      const symbols = this.#current;
      for (let i = start; i + 1 < end; i++) {
        if (symbols[i] !== left || symbols[i + 1] !== right) continue;
        if (i > start) this.#add(symbols[i - 1]!, left, -count, word);
        if (i + 2 < end) this.#add(right, symbols[i + 2]!, -count, word);
        symbols[i] = id;
        symbols.copyWithin(i + 1, i + 2, end);
        end--;
        if (i > start) this.#add(symbols[i - 1]!, id, count, word);
        if (i + 1 < end) this.#add(id, symbols[i + 1]!, count, word);
      }
      this.#lengths[word] = end - start;
    }
    words.clear();
  }
}

const isBefore = (a: Pair, b: Pair) =>
  a.length !== b.length ? a.length < b.length : compareCodePoints(a.text, b.text) < 0;

function concat(a: Int32Array, b: Int32Array): Int32Array {
  const joined = new Int32Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
