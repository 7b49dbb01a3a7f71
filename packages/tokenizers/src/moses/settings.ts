/** How a tokenizer prepares text with Moses, and turns words back to text. */
import { z } from 'zod';
import { MOSES_LANGUAGES } from './languages.js';
import { normalizePunctuation } from './normalize-punctuation.js';
import { mosesTokenize } from './tokenize.js';

export const mosesSettings = z.strictObject({
  language: z.enum(MOSES_LANGUAGES).describe('Language whose rules hold; generic for any other.'),
  normalize: z.boolean().default(true).describe('Brings quotes, dashes and spaces around punctuation to one style.'),
  lowercase: z.boolean().default(false).describe('Makes the text lower case.'),
  aggressiveHyphens: z.boolean().default(false).describe('Splits hyphens within words into @-@.'),
  legacy: z.boolean().default(false).describe('As Moses was until 2017, in a few rules of quotes and of the last dot.'),
});
export type MosesSettings = z.output<typeof mosesSettings>;

/** A line of text as words and punctuation with spaces between them. */
export function prepareLine(line: string, settings: MosesSettings | undefined): string {
  if (settings === undefined) return line;
  const { language, legacy, normalize, lowercase, aggressiveHyphens } = settings;
  let text = lowercase ? line.toLowerCase() : line;
  if (normalize) text = normalizePunctuation(text, { language, legacy });
  return mosesTokenize(text, { language, legacy, aggressiveHyphens });
}
