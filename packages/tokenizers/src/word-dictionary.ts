/** How the entries of a word-level vocabulary are laid out before and after its words. */
import { END_OF_LINE, UNKNOWN } from './word-level.js';

interface DictionaryLayout {
  /** Entries with the first ids. */
  special: readonly string[];
  /** The entry that stands for a line end. It is left out where line ends are no words, unless others count on its id. */
  endOfLine: string;
  keepsEndOfLine: boolean;
  /** The number of entries is a multiple of this. */
  multipleOf: number;
}

/**
 * plain: `<unk>`, `<eos>` and the words.
 * fairseq: what fairseq-preprocess makes (its `Dictionary` of 2020): four special entries, and entries without a word up to
 * a multiple of 8, for the sake of tensor cores.
 */
const LAYOUTS = {
  plain: { special: [UNKNOWN, END_OF_LINE], endOfLine: END_OF_LINE, keepsEndOfLine: false, multipleOf: 1 },
  fairseq: { special: ['<s>', '<pad>', '</s>', UNKNOWN], endOfLine: '</s>', keepsEndOfLine: true, multipleOf: 8 },
} as const satisfies Record<string, DictionaryLayout>;

export type DictionaryName = keyof typeof LAYOUTS;
export const DICTIONARIES = Object.keys(LAYOUTS) as [DictionaryName, ...DictionaryName[]];

/** The special entries in the order of their ids, and the one that stands for a line end. */
export function specialEntries(
  dictionary: DictionaryName,
  { endOfLine: lineEnds = true, specialTokens = [] }: { endOfLine?: boolean; specialTokens?: readonly string[] },
): { special: string[]; endOfLine?: string } {
  const layout: DictionaryLayout = LAYOUTS[dictionary];
  const own = layout.special.filter((token) => lineEnds || layout.keepsEndOfLine || token !== layout.endOfLine);
  return { special: [...new Set([...own, ...specialTokens])], endOfLine: lineEnds ? layout.endOfLine : undefined };
}

/** Size of a vocabulary once it is filled up. */
export function filledSize(dictionary: DictionaryName, size: number): number {
  const { multipleOf } = LAYOUTS[dictionary];
  return Math.ceil(size / multipleOf) * multipleOf;
}

/** The entries and, up to the filled size, `madeupword0000` and so on; names that are words already are passed over. */
export function fillUp(dictionary: DictionaryName, tokens: readonly string[]): string[] {
  const size = filledSize(dictionary, tokens.length);
  if (size === tokens.length) return [...tokens];
  const taken = new Set(tokens);
  const filled = [...tokens];
  for (let i = 0; filled.length < size; i++) {
    const name = `madeupword${String(i).padStart(4, '0')}`;
    if (!taken.has(name)) filled.push(name);
  }
  return filled;
}
