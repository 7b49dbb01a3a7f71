/** Options of the step `evaluate/translation`. */
import { stepRef } from '@t2r/core';
import { MOSES_LANGUAGES } from '@t2r/tokenizers';
import { z } from 'zod';
import { searchOptions } from './search-options.js';

export const translationSchema = z.strictObject({
  of: z.array(stepRef('checkpoint', 'A step that leaves a checkpoint.')).min(1).describe('Checkpoints to evaluate.'),
  data: stepRef('pairs', 'The pairs whose sources are translated.'),
  text: stepRef(
    'bitext',
    'The text whose target side is the reference: that which the pairs were made from, or the untokenised one.',
  ),
  splits: z.array(z.string()).min(1).default(['test']).describe('Splits to translate.'),
  ...searchOptions,
  detokenize: z
    .enum(MOSES_LANGUAGES)
    .optional()
    .describe(
      "Joins the words of translations as Moses' detokenizer of this language does; default: they are text already.",
    ),
  bleu: z
    .strictObject({
      tokenize: z.enum(['13a', 'intl', 'zh', 'char', 'none']).default('13a').describe("sacreBLEU's tokenizer."),
      lowercase: z.boolean().default(false).describe('Compare without case.'),
    })
    .prefault({})
    .describe('How BLEU is computed.'),
  chrf: z
    .strictObject({ wordOrder: z.int().min(0).default(0).describe('Order of word n-grams; 2 is chrF++.') })
    .prefault({})
    .describe('How chrF is computed.'),
  ter: z.boolean().default(false).describe('Computes TER too.'),
  bootstrap: z
    .int()
    .min(0)
    .default(0)
    .describe('Resamples for 95 % confidence intervals, as sacreBLEU draws them; 0: none.'),
});

export type TranslationOptions = z.output<typeof translationSchema>;

/** Metric names of a checkpoint on a split. */
export function translationMetricNames(id: string, split: string, { ter, bootstrap }: TranslationOptions): string[] {
  const metrics = ['bleu', 'chrf', ...(ter ? ['ter'] : [])];
  const intervals = bootstrap > 0 ? metrics.map((name) => `${name}.interval`) : [];
  return [...metrics, ...intervals, 'sentences_per_s', 'length_ratio'].map((name) => `${id}.${split}.${name}`);
}
