/** The tokenizer.json of a `SubwordNmt`. Hugging Face's format has no such model, so this one is the package's own. */
import { z } from 'zod';
import { mosesSettings } from '../moses/settings.js';
import { tokensById, vocabulary } from '../tokenizer-json.js';
import { SubwordNmt } from './tokenizer.js';

export const subwordFile = z.object({
  version: z.string().optional(),
  moses: mosesSettings.nullable(),
  model: z.object({
    type: z.literal('SubwordNmt'),
    codes: z.enum(['0.1', '0.2']),
    separator: z.string().min(1),
    unk_token: z.string(),
    end_of_line: z.string().nullable(),
    restrict: z.boolean(),
    glossaries: z.array(z.string()),
    vocab: vocabulary,
    merges: z.array(z.tuple([z.string(), z.string()])),
  }),
});
export type SubwordFile = z.infer<typeof subwordFile>;

/** The tokenizer a parsed file describes. */
export function subwordNmtFromFile({ model, moses }: SubwordFile): SubwordNmt {
  return new SubwordNmt({
    version: model.codes,
    merges: model.merges,
    separator: model.separator,
    tokens: tokensById(model.vocab),
    unknown: model.unk_token,
    endOfLine: model.end_of_line ?? undefined,
    restrict: model.restrict,
    glossaries: model.glossaries,
    moses: moses ?? undefined,
  });
}
