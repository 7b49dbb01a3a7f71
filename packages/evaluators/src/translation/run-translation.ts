/** Runs `evaluate/translation`. */
import { join } from 'node:path';
import { type Metrics, type StepContext, type StepResult, UserError, writeFileAtomic } from '@t2r/core';
import type { BitextData } from '@t2r/datasets';
import { checkpointTranslator, type Translator } from '@t2r/generation';
import { mosesDetokenize } from '@t2r/tokenizers';
import { corpusBleu, corpusChrf, corpusTer, type Score } from 'sacrebleu-ts';
import { formatSearch } from './search-options.js';
import { fileName, openSources, readSide, type SplitSources } from './split-sources.js';
import type { TranslationOptions } from './translation-schema.js';

/** A score as it is kept: the number, half of its interval, the whole line and the signature. */
export interface KeptScore {
  score: number;
  interval?: number;
  text: string;
  signature: string;
}

/** One line of the table: a checkpoint on a split. */
export interface TranslationRow {
  /** Step that made the checkpoint. */
  step: string;
  split: string;
  bleu: KeptScore;
  chrf: KeptScore;
  ter?: KeptScore;
  /** Translated a second, the compiling of programs included. */
  sentencesPerSecond: number;
  /** Files in the step's folder: the translations, and as the model wrote them where they are detokenised. */
  file: string;
  rawFile?: string;
}

/** What the step leaves as data. */
export interface TranslationData {
  translations: TranslationRow[];
  /** By split. */
  protocols: { step: string; text: string }[];
}

function keep(score: Score, bootstrap: number): KeptScore {
  const signature = score.signature.format();
  const interval = bootstrap > 0 ? score.confidence?.ci : undefined;
  return { score: score.score, interval, text: score.format(), signature };
}

/** The best translation of every sentence of a split, in the order of its pairs. */
async function translateSplit(
  translator: Translator,
  sources: SplitSources,
  { beam, lengthPenalty, maxTokens, maxTokensPerSource }: TranslationOptions,
  { signal }: StepContext,
  onProgress: (done: number) => void,
): Promise<string[]> {
  const texts: string[] = [];
  function* all() {
    for (let pair = 0; pair < sources.count; pair++) yield sources.source(pair);
  }
  const search = { beam, lengthPenalty, maxTokens, maxTokensPerSource, signal };
  for await (const [best] of translator.stream(all(), search)) {
    // A line is a sentence, whatever the model wrote.
    texts.push((best?.text ?? '').replace(/[\r\n]+/g, ' ').trim());
    onProgress(texts.length);
  }
  return texts;
}

/** References of the pairs. @throws UserError where a line is missing */
async function referencesOf(text: BitextData, split: string, sources: SplitSources): Promise<string[]> {
  const lines = await readSide(text, split, 'target');
  return Array.from({ length: sources.count }, (_, pair) => {
    const line = lines[sources.line(pair)];
    if (line === undefined)
      throw new UserError(`split "${split}" has ${lines.length} references and more pairs than that`, {
        hint: 'Give as `text` the parallel text that the pairs were made from.',
      });
    return line;
  });
}

/** Translates each split with each checkpoint and scores it. */
export async function runTranslation(options: TranslationOptions, context: StepContext): Promise<StepResult> {
  const { of, splits, detokenize, bootstrap } = options;
  const pairs = context.input(options.data);
  const text = context.input(options.text).data as BitextData;
  const engine = await context.create('engine', context.engineSpec).open();
  const metrics: Metrics = {};
  const data: TranslationData = { translations: [], protocols: [] };
  const write = (file: string, lines: readonly string[]) =>
    writeFileAtomic(join(context.folder, file), lines.map((line) => `${line}\n`).join(''));
  try {
    for (const ref of of) {
      const { id, folder } = context.input(ref);
      const { tokens, sentences } = options;
      const translator = await checkpointTranslator(folder, { engine, context, tokens, sentences });
      try {
        for (const split of splits) {
          const sources = openSources(pairs, split);
          try {
            const references = await referencesOf(text, split, sources);
            const started = performance.now();
            const raw = await translateSplit(translator, sources, options, context, (done) =>
              context.events.progress(done, { total: sources.count, unit: `sentences of ${split} by ${id}` }),
            );
            const sentencesPerSecond = raw.length / ((performance.now() - started) / 1000);
            const hypotheses = detokenize ? raw.map((line) => mosesDetokenize(line, { language: detokenize })) : raw;
            const file = `${fileName(id)}.${split}.txt`;
            const rawFile = detokenize && `${fileName(id)}.${split}.raw.txt`;
            await write(file, hypotheses);
            if (rawFile) await write(rawFile, raw);
            const row = {
              step: id,
              split,
              ...scores(hypotheses, references, options),
              sentencesPerSecond,
              file,
              rawFile,
            };
            data.translations.push(row);
            Object.assign(metrics, rowMetrics(row, bootstrap), {
              [`${id}.${split}.length_ratio`]: lengthRatio(hypotheses, references),
            });
            context.events.info(`${id}.${split}: ${row.bleu.text}; ${row.chrf.text}; ${row.bleu.signature}`);
          } finally {
            sources.close();
          }
        }
      } finally {
        await translator.dispose();
      }
    }
  } finally {
    await engine.dispose();
  }
  const searched = formatSearch(options);
  const first = data.translations.filter(({ split }, i, all) => all.findIndex((row) => row.split === split) === i);
  for (const { split, bleu, chrf } of first) {
    const line = `${searched}|detokenize:${detokenize ?? 'no'}; BLEU ${bleu.signature}; chrF ${chrf.signature}`;
    data.protocols.push({ step: split, text: line });
  }
  return { metrics, data };
}

function scores(hypotheses: readonly string[], references: readonly string[], options: TranslationOptions) {
  const { bleu, chrf, ter, bootstrap } = options;
  const more = bootstrap > 0 ? { bootstrap } : {};
  return {
    bleu: keep(corpusBleu(hypotheses, [references], { ...bleu, ...more }), bootstrap),
    chrf: keep(corpusChrf(hypotheses, [references], { ...chrf, ...more }), bootstrap),
    ter: ter ? keep(corpusTer(hypotheses, [references], more), bootstrap) : undefined,
  };
}

function rowMetrics({ step, split, sentencesPerSecond, ...row }: TranslationRow, bootstrap: number): Metrics {
  const metrics: Metrics = { [`${step}.${split}.sentences_per_s`]: sentencesPerSecond };
  for (const name of ['bleu', 'chrf', 'ter'] as const) {
    const kept = row[name];
    if (kept === undefined) continue;
    metrics[`${step}.${split}.${name}`] = kept.score;
    if (bootstrap > 0 && kept.interval !== undefined) metrics[`${step}.${split}.${name}.interval`] = kept.interval;
  }
  return metrics;
}

/** Characters of the translations over those of the references. */
function lengthRatio(hypotheses: readonly string[], references: readonly string[]): number {
  const characters = (lines: readonly string[]) => lines.reduce((sum, line) => sum + line.length, 0);
  return characters(hypotheses) / Math.max(1, characters(references));
}
