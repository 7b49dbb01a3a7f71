/** Curves of speed, time and memory over length: figures with their tables, for the report and for `t2r bench`. */
import type { Artifact } from '@t2r/core';
import { z } from 'zod';
import { lengthChart, type Quantity, renderChart } from './charts.js';
import { describeAttention } from './checkpoint.js';
import { formatBytes, formatCount, formatMilliseconds, formatNumber } from './format.js';
import { figure } from './html.js';
import { dropEmptyColumns, type Table } from './table.js';
import type { SpeedPoint } from './types.js';

/** What length means: tokens in the state of a language model, or tokens of source and target. */
export type LengthMeaning = 'position' | 'translation';

const X_TITLES = { position: 'position (tokens)', translation: 'length of source and target (tokens)' };

const CAPTIONS: Record<Quantity, Record<LengthMeaning, string>> = {
  tokensPerSecond: {
    position:
      'Decoding speed against position. A recurrent model needs the same time for every token; a softmax model reads a cache that grows.',
    translation:
      'Speed of translation against length, reading the source included. A recurrent decoder needs the same time for every token; a softmax decoder reads what it has written and the whole source for each.',
  },
  firstTokenSeconds: {
    position: 'Time from a prompt of that length to the first token after it.',
    translation: 'Time from a source of that length to the first token of its translation.',
  },
  stateBytes: {
    position: 'Memory that one sequence needs to go on, against position.',
    translation: 'Memory of one sentence at the last token, what was made of the source included.',
  },
};

/** A table of points; columns nobody measured are left out. */
export function speedTable(points: readonly SpeedPoint[], meaning: LengthMeaning): Table {
  const right = 'right' as const;
  return dropEmptyColumns({
    columns: [
      { title: 'model', align: 'left' },
      { title: 'batch', align: right },
      { title: meaning === 'position' ? 'position' : 'length', align: right },
      { title: 'tokens/s', align: right },
      { title: 'first token', align: right },
      { title: 'state of one sequence', align: right },
      { title: 'memory of the process', align: right },
    ],
    rows: points.map(({ series, batch, length, tokensPerSecond, firstTokenSeconds, stateBytes, rssBytes }) => [
      series,
      formatCount(batch),
      formatCount(length),
      formatNumber(tokensPerSecond),
      formatMilliseconds(firstTokenSeconds),
      formatBytes(stateBytes),
      formatBytes(rssBytes),
    ]),
  });
}

/** A figure of each quantity that was measured: of speed and time one for each batch, of the state one. */
export async function speedFigures(points: readonly SpeedPoint[], meaning: LengthMeaning): Promise<string> {
  const batches = [...new Set(points.map(({ batch }) => batch))].sort((a, b) => a - b);
  const draw = async (quantity: Quantity, shown: readonly SpeedPoint[], batch?: number) => {
    if (!shown.some((point) => point[quantity] !== undefined)) return [];
    const beside = batch === undefined ? '' : ` ${batch === 1 ? 'One sequence' : `${batch} sequences`} side by side.`;
    const caption = `${CAPTIONS[quantity][meaning]}${batches.length === 1 && batch === 1 ? '' : beside}`;
    const svg = await renderChart(lengthChart(shown, quantity, X_TITLES[meaning]), `${caption} One line per model.`);
    return [figure(svg, caption, speedTable(shown, meaning))];
  };
  const figures: string[] = [];
  for (const quantity of ['tokensPerSecond', 'firstTokenSeconds'] as const) {
    for (const batch of batches) {
      const shown = points.filter((point) => point.batch === batch);
      figures.push(...(await draw(quantity, shown, batch)));
    }
  }
  // The state of a sequence does not depend on how many there are.
  const states = points.filter(({ batch }) => batch === batches[0]);
  return [...figures, ...(await draw('stateBytes', states))].join('\n');
}

const dataSchema = z.object({
  translationSpeed: z.array(
    z.object({
      step: z.string(),
      batch: z.number(),
      length: z.number(),
      tokensPerSecond: z.number(),
      stateBytes: z.number(),
      rssBytes: z.number(),
    }),
  ),
});

/** The curves of all `evaluate/translation-speed` steps; what does not fit is left out of the report. */
export async function collectTranslationSpeed(
  artifacts: readonly Pick<Artifact, 'id' | 'data' | 'folder'>[],
): Promise<SpeedPoint[]> {
  const folders = new Map(artifacts.map(({ id, folder }) => [id, folder]));
  const points: SpeedPoint[] = [];
  for (const { data } of artifacts) {
    const parsed = dataSchema.safeParse(data);
    for (const { step, ...point } of parsed.success ? parsed.data.translationSpeed : []) {
      const folder = folders.get(step);
      const attention = folder === undefined ? undefined : await describeAttention(folder);
      points.push({ series: attention === undefined ? step : `${step} (${attention})`, ...point });
    }
  }
  return points;
}
