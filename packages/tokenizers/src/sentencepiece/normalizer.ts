/** Prepares text as SentencePiece does before it segments it, to the letter (`Normalizer::Normalize`). */
import { applyCharsmap, openCharsmap } from './charsmap.js';
import type { NormalizerSpec } from './model-file.js';

/** How SentencePiece writes a space: U+2581. */
export const SPACE = '\u2581';

export interface NormalizerOptions {
  /** Puts the dummy space behind the text instead of before it. Default false. */
  treatWhitespaceAsSuffix?: boolean;
  /** Pieces of text that are taken out of normalisation as they stand. Default none. */
  userDefinedSymbols?: readonly string[];
}

/**
 * Returns a function from text to its normal form: characters replaced, spaces collapsed and written as ▁, with a dummy
 * space before. Text without anything but spaces gives ''.
 * @throws RangeError when the charsmap is damaged.
 */
export function createNormalizer(
  { charsmap, addDummyPrefix, removeExtraWhitespaces, escapeWhitespaces }: NormalizerSpec,
  { treatWhitespaceAsSuffix = false, userDefinedSymbols = [] }: NormalizerOptions = {},
): (text: string) => string {
  const rules = charsmap.length === 0 ? undefined : openCharsmap(charsmap);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const space = escapeWhitespaces ? SPACE : ' ';
  const symbols = userDefinedSymbols.length === 0 ? undefined : symbolPattern(userDefinedSymbols);
  const replace = (text: string) => {
    // Encoding turns lone surrogates into U+FFFD.
    const bytes = encoder.encode(text);
    return decoder.decode(rules === undefined ? bytes : applyCharsmap(rules, bytes));
  };
  return (text) => {
    let normal = '';
    let done = 0;
    if (symbols !== undefined) {
      for (const match of text.matchAll(symbols)) {
        normal += replace(text.slice(done, match.index)) + match[0];
        done = match.index + match[0].length;
      }
    }
    normal += replace(text.slice(done));
    if (removeExtraWhitespaces) normal = normal.replace(/^ +| +$/g, '').replace(/ {2,}/g, ' ');
    if (normal === '') return '';
    if (escapeWhitespaces) normal = normal.replaceAll(' ', SPACE);
    // A ▁ that stood in the text itself is trimmed like a space that ends it.
    while (removeExtraWhitespaces && normal.endsWith(space)) normal = normal.slice(0, -space.length);
    if (!addDummyPrefix) return normal;
    return treatWhitespaceAsSuffix ? normal + space : space + normal;
  };
}

/** Finds the longest of the symbols wherever one stands. */
function symbolPattern(symbols: readonly string[]): RegExp {
  const longestFirst = [...symbols].sort((a, b) => b.length - a.length);
  return new RegExp(longestFirst.map((symbol) => symbol.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'gu');
}
