/** Options of `tokenizer/train` that belong to subword-nmt and SentencePiece, and which algorithm takes which. */
import type { StepProblem } from '@t2r/core';
import { z } from 'zod';
import { mosesSettings } from './moses/settings.js';

export const ALGORITHMS = ['bpe', 'word', 'subword-nmt', 'sentencepiece-bpe', 'sentencepiece-unigram'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

const id = (what: string, value: number) => z.int().min(-1).default(value).describe(`Id of ${what}; -1 for none.`);

/** All are optional without a default here, so that one given to the wrong algorithm is noticed. */
export const moreOptions = {
  moses: mosesSettings
    .optional()
    .describe('subword-nmt: tokenise with Moses; left out, words are what stands between white space.'),
  merges: z
    .int()
    .min(1)
    .optional()
    .describe(
      "subword-nmt: merges to learn, subword-nmt's --symbols, instead of a size of the vocabulary, which follows from them.",
    ),
  characterCoverage: z
    .number()
    .min(0.98)
    .max(1)
    .optional()
    .describe('sentencepiece: share of the text whose characters get pieces (default 0.9995).'),
  byteFallback: z
    .boolean()
    .optional()
    .describe('sentencepiece: write characters without a piece as UTF-8 bytes instead of <unk> (default false).'),
  normalization: z
    .enum(['nmt_nfkc', 'nfkc', 'identity'])
    .optional()
    .describe('sentencepiece: how characters are normalised before they are split (default nmt_nfkc).'),
  addDummyPrefix: z.boolean().optional().describe('sentencepiece: put a space before each line (default true).'),
  removeExtraWhitespaces: z
    .boolean()
    .optional()
    .describe('sentencepiece: drop leading, trailing and repeated spaces (default true).'),
  splitDigits: z.boolean().optional().describe('sentencepiece: make every digit a piece (default false).'),
  splitByNumber: z.boolean().optional().describe('sentencepiece: keep numbers apart from letters (default true).'),
  splitByUnicodeScript: z
    .boolean()
    .optional()
    .describe('sentencepiece: keep letters of different scripts apart (default true).'),
  splitByWhitespace: z.boolean().optional().describe('sentencepiece: keep pieces from crossing spaces (default true).'),
  maxPieceLength: z
    .int()
    .min(1)
    .max(512)
    .optional()
    .describe('sentencepiece: longest piece, in characters (default 16).'),
  controlSymbols: z
    .array(z.string().min(1))
    .optional()
    .describe('sentencepiece: symbols that never stand in text and are only inserted by id (default none).'),
  specialIds: z
    .strictObject({ unk: id('<unk>', 0), bos: id('<s>', 1), eos: id('</s>', 2), pad: id('<pad>', -1) })
    .optional()
    .describe('sentencepiece: ids of the special pieces.'),
  sentences: z
    .int()
    .min(0)
    .optional()
    .describe('sentencepiece: lines to learn from, drawn evenly where there are more; 0 for all (default 1000000).'),
};
export type MoreOptions = z.output<z.ZodObject<typeof moreOptions>>;

/** Those of subword-nmt; the others are SentencePiece's. */
export const SUBWORD_NMT: ReadonlySet<string> = new Set(['moses', 'merges']);

/** Problems of options that the algorithm does not take. */
export function misplacedOptions(
  algorithm: Algorithm,
  options: MoreOptions & { minFrequency?: number },
): StepProblem[] {
  const isSentencePiece = algorithm.startsWith('sentencepiece');
  const given = Object.keys(moreOptions).filter((name) => options[name as keyof MoreOptions] !== undefined);
  const misplaced = given.filter((name) => (SUBWORD_NMT.has(name) ? algorithm !== 'subword-nmt' : !isSentencePiece));
  if (isSentencePiece && options.minFrequency !== undefined) misplaced.push('minFrequency');
  return misplaced.map((name) => {
    const owner = SUBWORD_NMT.has(name)
      ? 'subword-nmt'
      : name === 'minFrequency'
        ? 'bpe, word and subword-nmt'
        : 'sentencepiece';
    return { path: [name], message: `\`${name}\` is an option of ${owner}, not of ${algorithm}`, hint: 'leave it out' };
  });
}
