/**
 * Moses' tokeniser (tokenizer.perl 1.1 of https://github.com/moses-smt/mosesdecoder): words and punctuation with one space
 * between them. The patterns are Perl's: its letters are Unicode's Alphabetic, its spaces White_Space.
 */
import type { MosesLanguage } from './languages.js';
import { NONBREAKING_PREFIXES } from './nonbreaking-prefixes.js';

export interface MosesTokenizeOptions {
  language: MosesLanguage;
  /** Splits hyphens between letters or digits into ` @-@ `. Default false. */
  aggressiveHyphens?: boolean;
  /** Writes & | < > ' " [ ] as entities, as Moses' decoder needs it. Default true. */
  escape?: boolean;
  /** What matches one of these stays as it is, for instance addresses in the web. Default none. */
  protectedPatterns?: readonly RegExp[];
  /** As Moses was until 2017: the last word of a line keeps its dot when it is an abbreviation. Default false. */
  legacy?: boolean;
}

const ALNUM = '\\p{Alphabetic}\\p{Nd}';
const SPECIAL = new RegExp(`[^${ALNUM}\\p{White_Space}.'\`,-]`, 'gu');
const HYPHEN = new RegExp(`([${ALNUM}])-(?=[${ALNUM}])`, 'gu');

/** One line of text as tokens. Line ends within it count as spaces. */
export function mosesTokenize(
  line: string,
  {
    language,
    aggressiveHyphens = false,
    escape: escaped = true,
    protectedPatterns = [],
    legacy = false,
  }: MosesTokenizeOptions,
): string {
  // Control characters go; with spaces around it, every word has neighbours.
  let text = ` ${line} `.replace(/\p{White_Space}+/gu, ' ').replace(CONTROL, '');
  const kept = findProtected(text, protectedPatterns);
  for (const [i, stretch] of kept.entries()) text = text.replaceAll(stretch, ` ${placeholder(i)} `);
  text = text.replace(/ +/g, ' ').replace(/^ | $/g, '').replace(SPECIAL, ' $& ');
  if (aggressiveHyphens) text = text.replace(HYPHEN, '$1 @-@ ');
  text = hideMultiDots(text);
  // Commas stay within numbers only.
  text = text
    .replace(/(\P{N}),/gu, '$1 , ')
    .replace(/,(\P{N})/gu, ' , $1')
    .replace(/(\p{N}),$/gu, '$1 ,');
  text = splitApostrophes(text, language);
  text = splitDots(text, language, legacy)
    .replace(/ +/g, ' ')
    .replace(/^ | $/g, '')
    .replace(/\.' ?$/, " . ' ");
  for (const [i, stretch] of kept.entries()) text = text.replaceAll(placeholder(i), () => stretch);
  text = showMultiDots(text);
  return escaped ? escapeMoses(text) : text;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed
const CONTROL = /[\0-\x1f]/g;

const placeholder = (i: number) => `THISISPROTECTED${String(i).padStart(3, '0')}`;

function findProtected(text: string, patterns: readonly RegExp[]): string[] {
  const found: string[] = [];
  for (const pattern of patterns) {
    const flags = pattern.flags.includes('g') ? pattern.flags : `${pattern.flags}g`;
    for (const [stretch] of text.matchAll(new RegExp(pattern.source, flags))) if (stretch !== '') found.push(stretch);
  }
  return found;
}

/** Dots that follow one another stay together. */
function hideMultiDots(text: string): string {
  let hidden = text.replace(/\.(\.+)/g, ' DOTMULTI$1');
  while (hidden.includes('DOTMULTI.')) {
    hidden = hidden.replace(/DOTMULTI\.([^.])/g, 'DOTDOTMULTI $1').replace(/DOTMULTI\./g, 'DOTDOTMULTI');
  }
  return hidden;
}

function showMultiDots(text: string): string {
  let shown = text;
  while (shown.includes('DOTDOTMULTI')) shown = shown.replaceAll('DOTDOTMULTI', 'DOTMULTI.');
  return shown.replaceAll('DOTMULTI', '.');
}

/** English splits contractions to the right (it 's), French to the left (l' air); others split every apostrophe off. */
function splitApostrophes(text: string, language: MosesLanguage): string {
  if (language === 'en') {
    return text
      .replace(/(\P{Alphabetic})'(\P{Alphabetic})/gu, "$1 ' $2")
      .replace(/([^\p{Alphabetic}\p{N}])'(\p{Alphabetic})/gu, "$1 ' $2")
      .replace(/(\p{Alphabetic})'(\P{Alphabetic})/gu, "$1 ' $2")
      .replace(/(\p{Alphabetic})'(\p{Alphabetic})/gu, "$1 '$2")
      .replace(/(\p{N})'(s)/gu, "$1 '$2");
  }
  if (language === 'fr') {
    return text
      .replace(/(\P{Alphabetic})'(\P{Alphabetic})/gu, "$1 ' $2")
      .replace(/(\P{Alphabetic})'(\p{Alphabetic})/gu, "$1 ' $2")
      .replace(/(\p{Alphabetic})'(\P{Alphabetic})/gu, "$1 ' $2")
      .replace(/(\p{Alphabetic})'(\p{Alphabetic})/gu, "$1' $2");
  }
  return text.replaceAll("'", " ' ");
}

/** Splits the dot off the end of a word, except of abbreviations. */
function splitDots(text: string, language: MosesLanguage, legacy: boolean): string {
  const { always, beforeNumber } = NONBREAKING_PREFIXES[language];
  const words = text.split(/\p{White_Space}/u);
  // As in Perl, empty words at the end do not count.
  while (words.length > 0 && words[words.length - 1] === '') words.pop();
  return words
    .map((word, i) => {
      if (!word.endsWith('.') || word.length === 1) return word;
      const before = word.slice(0, -1);
      const next = words[i + 1] ?? '';
      if (i + 1 < words.length || legacy) {
        const stays =
          (before.includes('.') && /\p{Alphabetic}/u.test(before)) ||
          always.has(before) ||
          /^\p{Lowercase}/u.test(next) ||
          (beforeNumber.has(before) && /^[0-9]/.test(next));
        if (stays) return word;
      }
      return `${before} .`;
    })
    .join(' ');
}

/** Writes the characters that Moses' decoder reserves as entities. */
export function escapeMoses(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('|', '&#124;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;')
    .replaceAll('"', '&quot;')
    .replaceAll('[', '&#91;')
    .replaceAll(']', '&#93;');
}

/** Undoes `escapeMoses`, and reads the entities of older versions too. */
export function unescapeMoses(text: string): string {
  return text
    .replaceAll('&bar;', '|')
    .replaceAll('&#124;', '|')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&bra;', '[')
    .replaceAll('&ket;', ']')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&#91;', '[')
    .replaceAll('&#93;', ']')
    .replaceAll('&amp;', '&');
}
