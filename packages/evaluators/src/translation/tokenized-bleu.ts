/**
 * The step `evaluate/tokenized-bleu`: BLEU of tokens as papers before 2018 reported it, case kept, without smoothing, words with
 * hyphens split. It depends on whose tokenizer is used, so that its numbers compare with no others; they have names of their own.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineComponent, type StepContext, type StepResult, stepRef, UserError } from '@t2r/core';
import type { BitextData } from '@t2r/datasets';
import { MOSES_LANGUAGES, mosesTokenize } from '@t2r/tokenizers';
import { corpusBleu } from 'sacrebleu-ts';
import { z } from 'zod';
import type { TranslationData } from './run-translation.js';
import { readSide } from './split-sources.js';

const schema = z.strictObject({
  from: stepRef('metrics', 'The step evaluate/translation whose translations are scored.'),
  text: stepRef('bitext', 'The text whose target side is the reference.'),
  tokenize: z
    .enum([...MOSES_LANGUAGES, 'none'])
    .describe("Moses' tokenizer of this language for both sides; none where model and text have tokens already."),
  splitCompounds: z
    .boolean()
    .default(true)
    .describe('Splits words at hyphens into ` ##AT##-##AT## `, as compound_split_bleu.sh of fairseq does.'),
});

type Options = z.output<typeof schema>;

/** `rich-text` to `rich ##AT##-##AT## text`; a letter between two hyphens is split on its left side only, as there. */
export const splitCompounds = (line: string): string => line.replace(/(\S)-(\S)/g, '$1 ##AT##-##AT## $2');

/** Lines as words with spaces between them. */
function prepare(lines: readonly string[], { tokenize, splitCompounds: split }: Options): string[] {
  const words =
    tokenize === 'none' ? lines : lines.map((line) => mosesTokenize(line, { language: tokenize, escape: true }));
  return split ? words.map(splitCompounds) : [...words];
}

async function run(options: Options, context: StepContext): Promise<StepResult> {
  const { folder, data } = context.input(options.from);
  const { translations } = (data ?? {}) as Partial<TranslationData>;
  if (translations === undefined)
    throw new UserError(`step ${options.from.step} has no translations`, { hint: 'Refer to evaluate/translation.' });
  const text = context.input(options.text).data as BitextData;
  const metrics: Record<string, number> = {};
  const protocols: { step: string; text: string }[] = [];
  for (const { step, split, file, rawFile } of translations) {
    // Tokens of the model are in the file before detokenising.
    const name = options.tokenize === 'none' ? (rawFile ?? file) : file;
    const hypotheses = (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1);
    const references = await readSide(text, split, 'target');
    if (references.length !== hypotheses.length)
      throw new UserError(`split "${split}" has ${references.length} references and ${hypotheses.length} translations`);
    const score = corpusBleu(prepare(hypotheses, options), [prepare(references, options)], {
      tokenize: 'none',
      smoothMethod: 'none',
      force: true,
    });
    metrics[`${step}.${split}.tokenized_bleu`] = score.score;
    context.events.info(`${step}.${split}: tokenised ${score.format()}`);
  }
  const { tokenize, splitCompounds: split } = options;
  for (const name of new Set(translations.map((row) => row.split)))
    protocols.push({
      step: name,
      text: `tokenized-bleu|tok:${tokenize === 'none' ? 'none' : `moses-${tokenize}`}|compounds:${split ? 'split' : 'whole'}|case:mixed|smooth:none`,
    });
  return { metrics, data: { protocols } };
}

export const tokenizedBleuStep = defineComponent({
  kind: 'step',
  name: 'evaluate/tokenized-bleu',
  description:
    'BLEU of tokens with compounds split, as papers before sacreBLEU report it; compares with no other score.',
  schema,
  create: (options) => ({ produces: 'metrics', run: (context) => run(options, context) }),
});
