/**
 * The table of translation scores. What evaluate/translation leaves is JSON from another package, so it is checked here; what
 * does not fit is left out of the report.
 */
import type { Artifact } from '@t2r/core';
import { z } from 'zod';
import { describeAttention } from './checkpoint.js';
import { formatCount, formatNumber } from './format.js';
import { dropEmptyColumns, type Table } from './table.js';
import type { TranslationResult } from './types.js';

const scoreSchema = z.object({ score: z.number(), interval: z.number().optional(), signature: z.string() });
const dataSchema = z.object({
  translations: z.array(
    z.object({
      step: z.string(),
      split: z.string(),
      bleu: scoreSchema,
      chrf: scoreSchema,
      ter: scoreSchema.optional(),
      sentencesPerSecond: z.number(),
    }),
  ),
});

/** What the table is made from: checkpoints, and what evaluations left as data. */
export type TranslationSource = Pick<Artifact, 'id' | 'data' | 'metrics' | 'folder'>;

/** The rows of all evaluations of translations, in recipe order. */
export async function collectTranslations(artifacts: readonly TranslationSource[]): Promise<TranslationResult[]> {
  const byId = new Map(artifacts.map((artifact) => [artifact.id, artifact]));
  const rows: TranslationResult[] = [];
  for (const { data } of artifacts) {
    const parsed = dataSchema.safeParse(data);
    for (const { step, ...scores } of parsed.success ? parsed.data.translations : []) {
      const checkpoint = byId.get(step);
      const folder = checkpoint?.folder;
      rows.push({
        id: step,
        attention: folder === undefined ? undefined : await describeAttention(folder),
        cross: folder === undefined ? undefined : await describeAttention(folder, 'cross'),
        steps: checkpoint?.metrics.steps ?? 0,
        ...scores,
      });
    }
  }
  return rows;
}

/** 34.2, or 34.2 ± 1.1. */
const scoreText = (score: TranslationResult['ter']): string =>
  score === undefined
    ? '–'
    : score.score.toFixed(1) + (score.interval === undefined ? '' : ` ± ${score.interval.toFixed(1)}`);

/** Lays the rows out as a table; columns nobody measured are left out. */
export function translationTable(rows: readonly TranslationResult[]): Table {
  const right = 'right' as const;
  const left = 'left' as const;
  return dropEmptyColumns({
    columns: [
      { title: 'checkpoint', align: left },
      { title: 'self', align: left },
      { title: 'cross', align: left },
      { title: 'steps', align: right },
      { title: 'split', align: left },
      { title: 'BLEU', align: right },
      { title: 'chrF', align: right },
      { title: 'TER', align: right },
      { title: 'sentences/s', align: right },
      { title: 'BLEU signature', align: left },
    ],
    rows: rows.map((row) => [
      row.id,
      row.attention ?? '–',
      row.cross ?? '–',
      formatCount(row.steps),
      row.split,
      scoreText(row.bleu),
      scoreText(row.chrf),
      scoreText(row.ter),
      formatNumber(row.sentencesPerSecond),
      row.bleu.signature,
    ]),
  });
}
