/**
 * What conversions did with each layer, and why. The plans are JSON from another package, so they are checked here; what
 * does not fit is left out of the report.
 */
import type { Artifact } from '@t2r/core';
import { z } from 'zod';
import { escapeHtml } from './escape.js';
import { formatNumber } from './format.js';
import { htmlTable } from './html.js';
import { dropEmptyColumns, type Table } from './table.js';
import type { Conversion } from './types.js';

const planSchema = z.object({
  plan: z
    .array(
      z.object({
        layer: z.number(),
        attention: z.string(),
        swapped: z.boolean(),
        reason: z.string(),
        measured: z.record(z.string(), z.number()).optional(),
      }),
    )
    .min(1),
});

/** The plans of all conversions of a run, in recipe order. */
export function collectConversions(artifacts: readonly Artifact[]): Conversion[] {
  return artifacts.flatMap(({ id, data }) => {
    const parsed = planSchema.safeParse(data);
    return parsed.success ? [{ step: id, layers: parsed.data.plan }] : [];
  });
}

/** Names of measures as column titles: `loss_if_swapped_alone` reads `loss if swapped alone`. */
const titleOf = (measure: string) => measure.replaceAll('_', ' ');

function planTable({ layers }: Conversion): Table {
  const measures = [...new Set(layers.flatMap(({ measured = {} }) => Object.keys(measured)))];
  return dropEmptyColumns({
    columns: [
      { title: 'layer', align: 'right' },
      { title: 'attention', align: 'left' },
      { title: 'why', align: 'left' },
      ...measures.map((measure) => ({ title: titleOf(measure), align: 'right' as const })),
    ],
    rows: layers.map(({ layer, attention, reason, measured = {} }) => [
      String(layer),
      attention,
      reason,
      ...measures.map((measure) => formatNumber(measured[measure])),
    ]),
  });
}

/** One paragraph for a conversion of all layers alike, a table for one that chose among them. */
export function conversionsHtml(conversions: readonly Conversion[]): string {
  return conversions
    .map((conversion) => {
      const { step, layers } = conversion;
      const [first] = layers;
      if (layers.every(({ swapped, reason }) => swapped && reason === first!.reason))
        return `<p>${escapeHtml(step)}: all ${layers.length} layers now have ${escapeHtml(first!.attention)}.</p>`;
      const swapped = layers.filter((layer) => layer.swapped).length;
      const caption = `${step}: ${swapped} of ${layers.length} layers swapped, counted from 0 at the input. Losses are nats a token, before finetuning.`;
      return htmlTable(planTable(conversion), caption);
    })
    .join('\n');
}
