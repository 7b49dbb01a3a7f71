/** What an export is like, with its defaults. */
import { UserError } from '@t2r/core';
import { type AnyModel, isTranslation } from '@t2r/models';
import { z } from 'zod';
import { EXPORT_DTYPES } from './manifest.js';

const size = z.int().min(1);

/** Options that the step of a recipe and the command share. */
export const exportShape = {
  dtype: z
    .enum(EXPORT_DTYPES)
    .default('fp32')
    .describe(
      'How weights are stored: fp16 halves the files, int8 and int4 are smaller and faster and change the model a little. State stays float32.',
    ),
  batch: size.default(1).describe('Sequences that the graphs take side by side.'),
  chunk: size.default(128).describe('Positions that the prefill graph reads at once; less where there are fewer.'),
  capacity: size
    .default(1024)
    .describe(
      'Positions that the caches of softmax layers have room for. Every step reads all of it, so give no more than is needed.',
    ),
  source: size.default(128).describe('Tokens of a source at most, of an encoder-decoder.'),
};

const settingsSchema = z.strictObject(exportShape);

export type ExportSettings = z.input<typeof settingsSchema>;

/** Sizes of one export, within what the model has. */
export interface ExportSizes extends z.output<typeof settingsSchema> {
  /** Positions that a text may have: learned positions, or room in caches. */
  room: number;
}

/**
 * Fills in defaults, and keeps sizes within the model's learned positions.
 *
 * @throws UserError for a value that makes no sense
 */
export function exportSizes(model: AnyModel, settings: ExportSettings): ExportSizes {
  const parsed = settingsSchema.safeParse(settings);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new UserError(`the export cannot be made: ${problems.join('; ')}`);
  }
  const { positions, maxPositions } = model.config;
  const longest = positions === 'learned' ? maxPositions : Number.POSITIVE_INFINITY;
  const { chunk, capacity, source } = parsed.data;
  return {
    ...parsed.data,
    chunk: Math.min(chunk, longest),
    capacity: Math.min(capacity, longest),
    source: Math.min(source, isTranslation(model) ? longest : source),
    room: model.recurrent ? longest : Math.min(capacity, longest),
  };
}
