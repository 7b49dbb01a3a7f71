/** Moses' detokeniser (detokenizer.perl of https://github.com/moses-smt/mosesdecoder): tokens as text again. */
import type { MosesLanguage } from './languages.js';
import { unescapeMoses } from './tokenize.js';

const OPENING = /^[\p{Sc}([{¿¡]+$/u;
const CLOSING = /^[,.?!:;\\%}\])]+$/;
const QUOTES = /^['"„“`]+$/;

/** Text of one line of tokens with spaces between them. */
export function mosesDetokenize(line: string, { language }: { language: MosesLanguage }): string {
  const words = unescapeMoses(` ${line} `.replaceAll(' @-@ ', '-')).split(' ');
  let text = '';
  let space = ' ';
  const attach = (word: string) => {
    text += word;
    space = ' ';
  };
  const open = (word: string) => {
    text += space + word;
    space = '';
  };
  /** How many quotes of each kind there were: the first opens, the second closes. */
  const seen = new Map<string, number>();
  for (const [i, word] of words.entries()) {
    const previous = words[i - 1] ?? '';
    const next = words[i + 1] ?? '';
    if (startsWithCjk(word)) {
      text += (endsWithCjk(previous) ? '' : space) + word;
      space = ' ';
    } else if (OPENING.test(word)) open(word);
    else if (CLOSING.test(word)) {
      if (language === 'fr' && /^[?!:;\\%]$/.test(word)) text += ' ';
      attach(word);
    } else if (
      language === 'en' &&
      i > 0 &&
      /^'\p{Alphabetic}/u.test(word) &&
      /[\p{Alphabetic}\p{Nd}]$/u.test(previous)
    ) {
      attach(word);
    } else if (language === 'fr' && /\p{Alphabetic}'$/u.test(word) && /^\p{Alphabetic}/u.test(next)) open(word);
    else if (QUOTES.test(word)) {
      const kind = /^[„“”]+$/.test(word) ? '"' : word;
      const count = seen.get(kind) ?? 0;
      const possessive = language === 'en' && word === "'" && i > 0 && previous.endsWith('s');
      if (count % 2 === 0 && possessive) {
        attach(word);
        continue;
      }
      if (count % 2 === 0) open(word);
      else attach(word);
      seen.set(kind, count + 1);
    } else {
      text += space + word;
      space = ' ';
    }
  }
  return text.replace(/ +/g, ' ').replace(/^ | $/g, '');
}

/** First and last code points of the blocks that are written without spaces. */
const CJK: readonly (readonly [number, number])[] = [
  [0x1100, 0x11ff],
  [0x2e80, 0xa4cf],
  [0xa840, 0xa87f],
  [0xac00, 0xd7af],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe4f],
  [0xff65, 0xffdc],
  [0x20000, 0x2ffff],
];

const isCjk = (code: number | undefined) => code !== undefined && CJK.some(([from, to]) => code >= from && code <= to);

const startsWithCjk = (word: string) => isCjk(word.codePointAt(0));

function endsWithCjk(word: string): boolean {
  const last = word.codePointAt(word.length - 1);
  const isLowSurrogate = last !== undefined && last >= 0xdc00 && last <= 0xdfff;
  return isCjk(isLowSurrogate ? word.codePointAt(word.length - 2) : last);
}
