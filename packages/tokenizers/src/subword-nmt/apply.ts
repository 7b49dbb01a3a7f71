/** Splits words into subwords with learned codes, as subword-nmt's `apply-bpe` does, and joins them again. */
import { createRandom, type Random } from '@t2r/core/random';
import { type Codes, END_OF_WORD } from './codes.js';
import { isolateGlossaries } from './glossaries.js';

/** Marks every subword but the last of a word. */
export const SEPARATOR = '@@';

export interface SubwordBpeOptions extends Codes {
  /** Default `@@`. */
  separator?: string;
  /**
   * Subwords allowed, as they are written with separators. Merges that lead to others are taken back. Default: all.
   */
  vocabulary?: ReadonlySet<string>;
  /** Words or regular expressions that are never split. Default none. */
  glossaries?: readonly string[];
}

export interface ApplyOptions {
  /** Share of possible merges that is left out at each step, anew for each word (Provilkov et al. 2020, BPE dropout). */
  dropout?: number;
  /** Seed of the dropout. Default 1. */
  seed?: number;
}

/** Words whose subwords are kept. */
const CACHE_WORDS = 1 << 17;

export class SubwordBpe {
  readonly #options: Required<Omit<SubwordBpeOptions, 'vocabulary'>> & Pick<SubwordBpeOptions, 'vocabulary'>;
  readonly #ranks = new Map<string, Map<string, number>>();
  /** What each joined symbol was joined from. */
  readonly #origins = new Map<string, readonly [string, string]>();
  readonly #cache = new Map<string, readonly string[]>();

  constructor(options: SubwordBpeOptions) {
    this.#options = { separator: SEPARATOR, glossaries: [], ...options };
    for (const [rank, [left, right]] of options.merges.entries()) {
      const rights = this.#ranks.get(left) ?? new Map<string, number>();
      if (rights.size === 0) this.#ranks.set(left, rights);
      if (!rights.has(right)) rights.set(right, rank);
      this.#origins.set(left + right, [left, right]);
    }
    // Where several merges give the same symbol, the first one counts.
    for (const [left, right] of [...options.merges].reverse()) this.#origins.set(left + right, [left, right]);
  }

  /** A line of words with one space between them; its own leading and trailing spaces and line end stay. */
  apply(line: string, { dropout = 0, seed = 1 }: ApplyOptions = {}): string {
    const [, before, text, after] = /^([\r\n ]*)(.*?)([\r\n ]*)$/su.exec(line)!;
    const random = dropout > 0 ? createRandom('bpe-dropout', seed, text!) : undefined;
    const subwords = text!.split(' ').flatMap((word) => (word === '' ? [] : this.split(word, dropout, random)));
    return `${before}${subwords.join(' ')}${after}`;
  }

  /** Subwords of one word, all but the last with the separator. */
  split(word: string, dropout = 0, random?: Random): readonly string[] {
    if (random !== undefined) return this.#mark(this.#splitParts(word, dropout, random));
    let known = this.#cache.get(word);
    if (known === undefined) {
      known = this.#mark(this.#splitParts(word, 0));
      if (this.#cache.size >= CACHE_WORDS) this.#cache.clear();
      this.#cache.set(word, known);
    }
    return known;
  }

  #mark(parts: readonly string[]): string[] {
    return parts.map((part, i) => (i + 1 < parts.length ? part + this.#options.separator : part));
  }

  #splitParts(word: string, dropout: number, random?: Random): string[] {
    const { glossaries } = this.#options;
    if (glossaries.length === 0) return this.#splitWord(word, dropout, random);
    return isolateGlossaries(word, glossaries).flatMap(({ text, isGlossary }) =>
      isGlossary ? [text] : this.#splitWord(text, dropout, random),
    );
  }

  #splitWord(word: string, dropout: number, random?: Random): string[] {
    let symbols = [...word];
    if (symbols.length === 1) return symbols;
    if (this.#options.version === '0.1') symbols.push(END_OF_WORD);
    else symbols[symbols.length - 1] += END_OF_WORD;
    while (symbols.length > 1) {
      let best = Number.POSITIVE_INFINITY;
      const places: number[] = [];
      for (let i = 0; i + 1 < symbols.length; i++) {
        if (random !== undefined && random.uniform() < dropout) continue;
        const rank = this.#ranks.get(symbols[i]!)?.get(symbols[i + 1]!);
        if (rank === undefined || rank > best) continue;
        if (rank < best) places.length = 0;
        best = rank;
        places.push(i);
      }
      if (places.length === 0) break;
      symbols = mergeAt(symbols, places);
    }
    const last = symbols.pop()!;
    if (last !== END_OF_WORD) symbols.push(last.endsWith(END_OF_WORD) ? last.slice(0, -END_OF_WORD.length) : last);
    return this.#options.vocabulary === undefined ? symbols : this.#keepToVocabulary(symbols);
  }

  #keepToVocabulary(parts: readonly string[]): string[] {
    const out: string[] = [];
    for (const [i, part] of parts.entries()) this.#takeBack(part, i + 1 === parts.length, out);
    return out;
  }

  /** Appends a subword to `out`, split by taking merges back until its parts are in the vocabulary or single. */
  #takeBack(part: string, isLast: boolean, out: string[]): void {
    const { vocabulary, separator } = this.#options;
    const stack: [string, boolean][] = [[part, isLast]];
    for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
      const [text, final] = entry;
      const origin = this.#origins.get(final ? text + END_OF_WORD : text);
      if (text === '') continue;
      if (vocabulary!.has(final ? text : text + separator) || origin === undefined) {
        out.push(text);
        continue;
      }
      const [left, right] = origin;
      stack.push([final ? right.slice(0, -END_OF_WORD.length) : right, final], [left, false]);
    }
  }
}

/** Merges the pairs that begin at the given places; of pairs that overlap the first counts. */
function mergeAt(symbols: readonly string[], places: readonly number[]): string[] {
  const merged: string[] = [];
  let done = 0;
  for (const place of places) {
    if (place < done) continue;
    for (; done < place; done++) merged.push(symbols[done]!);
    merged.push(symbols[place]! + symbols[place + 1]!);
    done += 2;
  }
  for (; done < symbols.length; done++) merged.push(symbols[done]!);
  return merged;
}

/** Joins subwords to words again; a separator that nothing follows goes as well. */
export function joinSubwords(line: string, separator = SEPARATOR): string {
  return line.replaceAll(`${separator} `, '').replace(new RegExp(`${escapeRegExp(separator)} ?$`, 'u'), '');
}

const escapeRegExp = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
