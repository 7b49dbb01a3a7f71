/** The step `report/html`. */
import { defineComponent } from '@t2r/core';
import { z } from 'zod';

const schema = z.strictObject({
  title: z.string().optional().describe("Heading of the page; by default the run's name."),
  baseline: z
    .string()
    .optional()
    .describe(
      'Id of the checkpoint that the others are compared with; by default the first one with a test perplexity.',
    ),
});

export type ReportOptions = z.output<typeof schema>;

export const htmlStep = defineComponent({
  kind: 'step',
  name: 'report/html',
  description: 'One self-contained page for the whole run, report.html, and its data, report.json.',
  schema,
  create: (options) => ({
    produces: 'report',
    readsAll: true,
    run: async (context) => (await import('./write-report.js')).runReport(options, context),
  }),
});
