/** The tokenization of TER: that of Tercom's normalizer. */
import { splitWords } from '../text/whitespace.js';

export interface TercomOptions {
  /** Unescape XML, separate punctuation and possessives. */
  normalized: boolean;
  /** Remove punctuation. */
  noPunct: boolean;
  /** With `normalized` split Chinese and Japanese ideographs, with `noPunct` remove their punctuation. */
  asianSupport: boolean;
  /** Keep case. */
  caseSensitive: boolean;
}

const ASIAN_PUNCTUATION = /[\u3001\u3002\u3008-\u3011\u3014-\u301f\uff61-\uff65\u30fb]/g;
const FULL_WIDTH_PUNCTUATION = /[\uff0e\uff0c\uff1f\uff1a\uff1b\uff01\uff02\uff08\uff09]/g;

/** Characters that become words of their own; the ranges are the original's, where U+3200 to U+3F22 was meant as U+32FF. */
const IDEOGRAPHS = [
  /[\u4e00-\u9fff\u3400-\u4dbf]/g,
  /[\u31c0-\u31ef\u2e80-\u2eff]/g,
  /[\u3300-\u33ff\uf900-\ufaff\ufe30-\ufe4f]/g,
  /[\u3200-\u3f22]/g,
];

function normalizeWestern(line: string): string {
  const text = line
    .replaceAll('\n-', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return ` ${text} `
    .replace(/[{-~[-` -&(-+:-@/]/g, ' $& ')
    .replaceAll("'s ", " 's ")
    .replace(/([^0-9])([.,])/g, '$1 $2 ')
    .replace(/([.,])([^0-9])/g, ' $1 $2')
    .replace(/([0-9])(-)/g, '$1 $2 ');
}

/**
 * The original also has three expressions for kana. They begin with the start of the text, where normalization has put
 * a space, so that they never match.
 */
function normalizeAsian(line: string): string {
  return [...IDEOGRAPHS, ASIAN_PUNCTUATION, FULL_WIDTH_PUNCTUATION].reduce(
    (text, characters) => text.replace(characters, ' $& '),
    line,
  );
}

/** Words of a line. */
export function tercomWords(line: string, options: TercomOptions): string[] {
  const { normalized, noPunct, asianSupport, caseSensitive } = options;
  let text = caseSensitive ? line : line.toLowerCase();
  if (normalized) {
    text = normalizeWestern(text);
    if (asianSupport) text = normalizeAsian(text);
  }
  if (noPunct) {
    text = text.replace(/[.,?:;!"()]/g, '');
    if (asianSupport) text = text.replace(ASIAN_PUNCTUATION, '').replace(FULL_WIDTH_PUNCTUATION, '');
  }
  return splitWords(text);
}
