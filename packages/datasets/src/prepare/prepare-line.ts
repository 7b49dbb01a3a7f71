/** What happens to a line of text before subwords are learned from it: Moses' scripts, in their usual order. */
import {
  MOSES_LANGUAGES,
  type MosesLanguage,
  mosesTokenize,
  normalizePunctuation,
  removeNonPrinting,
} from '@t2r/tokenizers';
import { z } from 'zod';

/** Steps of the preparation, without defaults: what is left out for one side or for test sets follows the others. */
const lineOptions = {
  lowercase: z.boolean().optional().describe('Makes the text lower case, first of all. Default: false.'),
  normalizePunctuation: z
    .boolean()
    .optional()
    .describe("Brings quotes, dashes and spaces to one style (Moses' normalize-punctuation.perl). Default: true."),
  removeNonPrinting: z
    .boolean()
    .optional()
    .describe("Makes control characters and the like spaces (Moses' remove-non-printing-char.perl). Default: true."),
  plainApostrophes: z
    .boolean()
    .optional()
    .describe("Writes ’ as ', as fairseq's scripts do with test sets. Default: false."),
  tokenize: z
    .boolean()
    .optional()
    .describe("Splits words and punctuation with spaces (Moses' tokenizer.perl). Default: true."),
  aggressiveHyphens: z.boolean().optional().describe('tokenize: splits hyphens within words into @-@. Default: false.'),
  escape: z.boolean().optional().describe('tokenize: writes & | < > \' " [ ] as entities. Default: true.'),
  legacy: z
    .boolean()
    .optional()
    .describe('As Moses was until 2017, in a few rules of quotes and of the last dot. Default: false.'),
};

export const prepareOptions = z.strictObject(lineOptions);
export type PrepareOptions = z.output<typeof prepareOptions>;

export const sideOptions = z.strictObject({
  language: z
    .enum(MOSES_LANGUAGES)
    .optional()
    .describe(
      "Language whose rules hold. Default: the side's own, and generic where Moses' rules for it are not kept.",
    ),
  ...lineOptions,
});
export type SideOptions = z.output<typeof sideOptions>;

/** Languages with rules of their own here, and the others. */
export function mosesLanguage(name: string): MosesLanguage {
  return MOSES_LANGUAGES.find((language) => language === name) ?? 'generic';
}

/** The preparation of lines in a language. */
export function createPreparation(language: MosesLanguage, options: PrepareOptions): (line: string) => string {
  const { legacy = false, aggressiveHyphens = false, escape: escaped = true } = options;
  const stages: ((line: string) => string)[] = [];
  if (options.lowercase) stages.push((line) => line.toLowerCase());
  if (options.normalizePunctuation ?? true) stages.push((line) => normalizePunctuation(line, { language, legacy }));
  if (options.removeNonPrinting ?? true) stages.push(removeNonPrinting);
  if (options.plainApostrophes) stages.push((line) => line.replaceAll('’', "'"));
  if (options.tokenize ?? true) {
    stages.push((line) => mosesTokenize(line, { language, legacy, aggressiveHyphens, escape: escaped }));
  }
  return (line) => stages.reduce((text, stage) => stage(text), line);
}
