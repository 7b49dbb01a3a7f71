/** Characters and words of a line as chrF counts them. */
import { isWhitespace, splitWords } from '../text/whitespace.js';

/** Code points of a line, without whitespace unless it is asked for. */
export function codePoints(line: string, whitespace: boolean): number[] {
  const points: number[] = [];
  for (let i = 0; i < line.length; i++) {
    const point = line.codePointAt(i)!;
    if (point > 0xffff) i++;
    if (whitespace || point > 0xffff || !isWhitespace(point)) points.push(point);
  }
  return points;
}

const PUNCTUATION = new Set('!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~');

/** Words with one ASCII punctuation mark at the end, or else at the beginning, separated: `(hi)` becomes `(hi` and `)`. */
export function separatePunctuation(line: string): string[] {
  const words: string[] = [];
  for (const word of splitWords(line)) {
    if (word.length === 1) words.push(word);
    else if (PUNCTUATION.has(word.at(-1)!)) words.push(word.slice(0, -1), word.at(-1)!);
    else if (PUNCTUATION.has(word[0]!)) words.push(word[0]!, word.slice(1));
    else words.push(word);
  }
  return words;
}
